"""The life of an installed sightd, from the first start to the purge, on a real systemd. The order matters."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sightd.selftest.known import known_questions, same

from ..waiting import until
from .machine import Machine

URL = "http://127.0.0.1:8000"
CONFIG = "/etc/sightd/sightd.toml"
DROP_IN = "/etc/systemd/system/sightd.service.d/test.conf"
TOP = Path(__file__).parents[2]
INSTALL = ("dpkg", "--force-confdef", "--force-confold", "-i")


def status(machine: Machine, path: str) -> str:
    """The HTTP status of a GET inside; 000 when nothing answers."""
    return machine.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", URL + path).stdout


def load(machine: Machine, seconds: float, clients: int, tokens: int = 0) -> subprocess.Popen[str]:
    """Clients at work; see `tests.system.load`."""
    numbers = map(str, (seconds, clients, tokens))
    return machine.beside(sys.executable, "-m", "tests.system.load", URL, *numbers)


def outcomes(clients: subprocess.Popen[str]) -> dict[str, int]:
    """What came of them."""
    found: dict[str, int] = json.loads(clients.communicate(timeout=120)[0])
    return found


def running(machine: Machine) -> int:
    """Requests that are worked on."""
    text = machine.run("curl", "-s", URL + "/health").stdout
    return int(json.loads(text)["running"]) if text else 0


def queue_of(machine: Machine) -> int:
    """The limit that the tests change."""
    return int(json.loads(machine.must("curl", "-s", URL + "/capabilities"))["limits"]["queue"])


def hello(machine: Machine) -> str:
    """The HTTP status of a short conversation inside."""
    body = '{"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}'
    options = ("-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-d", body)
    return machine.must("curl", *options, URL + "/v1/chat/completions")


def engine(machine: Machine) -> str:
    """The engine's process id, inside."""
    return machine.must("pgrep", "-f", "sightd.engine.process").split()[0]


def test_install_and_start(machine: Machine, package: Path) -> None:
    """`systemctl start` returns when the service is ready, and the time that took is recorded."""
    shutil.copy(package, machine.root / "root")
    machine.must(*INSTALL, f"/root/{package.name}")
    # The clients of these tests share the cores; threads that wait for each other's would stand still meanwhile.
    machine.write("/etc/sightd/conf.d/engine.toml", "[engine]\nthreads = 1\n")
    began = time.monotonic()
    machine.must("systemctl", "start", "sightd")
    seconds = time.monotonic() - began
    assert status(machine, "/readyz") == "200"
    assert machine.show("StatusText").startswith("Ready:")
    (TOP / "build").mkdir(exist_ok=True)
    (TOP / "build" / "start-seconds").write_text(f"{seconds:.1f}\n")


def test_picture(machine: Machine) -> None:
    """A question about a picture is answered rightly."""
    known = next(known for known in known_questions() if len(known.files()) == 1)
    shutil.copy(known.files()[0], machine.root / "root" / "picture.png")
    form = ("-F", "image=@/root/picture.png;type=image/png", "-F", f"prompt={known.question}")
    answer = json.loads(machine.must("curl", "-s", *form, URL + "/v1/image/recognize"))
    assert answer["status"] == "success"
    assert same(answer["result"], known.answer)


def test_decoders_lock_themselves_in(machine: Machine) -> None:
    """The unit's fences leave decoders every layer of their own."""
    layers = json.loads(machine.must("curl", "-s", URL + "/health"))["decoders"]["sandbox"]
    assert set(layers.values()) == {"applied"}, layers


def test_journal_fields(machine: Machine) -> None:
    """A request's line is found by its id, with its figures as fields and the right priority."""
    machine.must("curl", "-s", "-H", "X-Request-ID: look-for-me", URL + "/v1/models")
    until(lambda: "look-for-me" in machine.journal("REQUEST_ID=look-for-me"), 10, "the request's line")
    (line,) = machine.journal("REQUEST_ID=look-for-me", "-o", "json").splitlines()
    entry = json.loads(line)
    assert (entry["PRIORITY"], entry["STATUS"], entry["ENDPOINT"]) == ("6", "200", "/v1/models")
    assert entry["_SYSTEMD_UNIT"] == "sightd.service"
    assert entry["MESSAGE"].startswith("request ")


def test_fences(machine: Machine) -> None:
    """From inside the unit, system files, other devices, refused system calls, address families and foreign programs
    are out of reach; what the service needs is not."""
    machine.must("mknod", "-m", "666", "/dev/probe", "c", "10", "229")
    machine.must("head", "-c", "0", "/dev/probe")
    machine.must("install", "-d", "-m", "1777", "/srv/open")
    machine.must("runuser", "-u", "sightd", "--", "touch", "/srv/open/outside")
    shutil.copy(TOP / "tests" / "system" / "probe.py", machine.root / "usr" / "share" / "probe.py")
    units = "/usr/lib/systemd/system"
    service = machine.must("cat", f"{units}/sightd.service")
    kept = [line for line in service.splitlines() if not line.startswith(("Exec", "Type=", "Restart", "Watchdog"))]
    command = "ExecStart=/usr/lib/sightd-runtime/bin/python /usr/share/probe.py"
    probe = "\n".join(kept).replace("[Service]", f"[Service]\nType=oneshot\n{command}")
    machine.write("/etc/systemd/system/probe.service", probe)
    fences = machine.must("cat", f"{units}/sightd.service.d/10-hardening.conf")
    machine.write("/etc/systemd/system/probe.service.d/10-hardening.conf", fences)
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "start", "probe")
    said = machine.must("journalctl", "-u", "probe", "-o", "cat", "--no-pager").splitlines()
    found = dict(line.split("=", 1) for line in said if line.count("=") == 1 and line.split("=")[0].islower())
    assert found == {
        "system": "EROFS",
        "configuration": "EACCES",
        "state": "crossed",
        "device": "EPERM",
        "mount": "EPERM",
        "priority": "EPERM",
        "affinity": "EPERM",
        "namespace": "EPERM",
        "packet": "EAFNOSUPPORT",
        "program": "EACCES",
        "home": "EACCES",
    }


def test_reload_under_load(machine: Machine) -> None:
    """Reloads under load take new limits, no request fails, and the engine stays the same process."""
    before = engine(machine)
    clients = load(machine, 8, 4)
    until(lambda: running(machine) > 0, 20, "requests under way")
    for queue in (10, 20, 30):
        machine.write("/etc/sightd/conf.d/limits.toml", f"[limits]\nqueue = {queue}\n")
        machine.must("systemctl", "reload", "sightd")
    until(lambda: queue_of(machine) == 30, 10, "the last limit")
    assert set(outcomes(clients)) == {"200"}
    assert engine(machine) == before


def test_broken_reload(machine: Machine) -> None:
    """A reload with a broken configuration fails, the journal names the file, and the service goes on with the old."""
    machine.write("/etc/sightd/conf.d/limits.toml", "[limits]\nqueue = -1\n")
    assert machine.run("systemctl", "reload", "sightd").returncode != 0
    machine.must("systemctl", "kill", "-s", "HUP", "--kill-who=main", "sightd")
    until(lambda: "the old one stays in force" in machine.journal(), 10, "the complaint")
    assert "/etc/sightd/conf.d/limits.toml: limits.queue = -1" in machine.journal()
    assert machine.show("ActiveState") == "active"
    assert queue_of(machine) == 30
    machine.must("rm", "/etc/sightd/conf.d/limits.toml")


def test_stop_loses_nothing(machine: Machine) -> None:
    """Requests under way at a stop are answered whole, while new ones are told when to come again."""
    clients = load(machine, 1, 4, 200)
    until(lambda: running(machine) == 4, 20, "requests under way")
    machine.must("systemctl", "stop", "--no-block", "sightd")
    until(lambda: status(machine, "/readyz") == "503", 10, "the end of readiness")
    refused = machine.run("curl", "-s", "-i", "-X", "POST", URL + "/v1/chat/completions").stdout
    assert " 503 " in refused.splitlines()[0]
    assert "retry-after:" in refused.lower()
    assert outcomes(clients) == {"200": 4}
    until(lambda: machine.show("ActiveState") == "inactive", 60, "the end")
    assert machine.show("Result") == "success"


def test_watchdog(machine: Machine) -> None:
    """An engine that is stopped starves the watchdog; systemd ends the service, starts it again, and it serves."""
    machine.write(DROP_IN, "[Service]\nWatchdogSec=5\nRestartSec=1\nEnvironment=SIGHTD_ENGINE__HANG_SECONDS=3600\n")
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "start", "sightd")
    machine.must("kill", "-STOP", engine(machine))
    until(lambda: machine.show("NRestarts") == "1", 60, "a restart")
    until(lambda: status(machine, "/readyz") == "200", 60, "a ready service")
    assert "Watchdog timeout" in machine.journal()
    machine.must("rm", DROP_IN)
    machine.must("systemctl", "daemon-reload")


def test_selftest(machine: Machine) -> None:
    """The package's own smoke test passes; the self-test that it starts runs inside of the same fences, without a
    network, beside the running service."""
    machine.write("/root/smoke", (TOP / "packaging" / "debian" / "tests" / "smoke").read_text())
    machine.must("sh", "/root/smoke", seconds=300)
    said = machine.must("journalctl", "-u", "sightd-selftest", "-o", "cat", "--no-pager")
    assert "All answers are right." in said


def test_keys_as_a_credential(machine: Machine) -> None:
    """A keys file in systemd's store of credentials is in force, and the service's own files have no copy of it."""
    machine.must("install", "-d", "-m", "700", "/etc/credstore")
    key = machine.must("sightctl", "keys", "add", "lab", "--file", "/etc/credstore/keys.json").strip()
    machine.must("systemctl", "restart", "sightd")
    assert status(machine, "/v1/models") == "401"
    bearer = f"Authorization: Bearer {key}"
    assert "sightd-tiny-vl" in machine.must("curl", "-s", "-H", bearer, URL + "/v1/models")
    assert machine.run("test", "-e", "/etc/sightd/keys.json").returncode != 0
    machine.must("rm", "/etc/credstore/keys.json")
    machine.must("systemctl", "restart", "sightd")
    assert status(machine, "/v1/models") == "200"


def test_no_connection_is_refused(machine: Machine) -> None:
    """Where systemd listens, no client is refused a connection or loses one during a restart: all are answered whole or
    told to come again."""
    machine.must("systemctl", "stop", "sightd")
    machine.must("systemctl", "enable", "--now", "sightd.socket")
    machine.must("systemctl", "start", "sightd")
    clients = load(machine, 25, 4)
    until(lambda: running(machine) > 0, 20, "requests under way")
    machine.must("systemctl", "restart", "sightd")
    found = outcomes(clients)
    assert set(found) == {"200", "503"}, found
    machine.must("systemctl", "disable", "--now", "sightd.socket", "sightd")
    machine.must("systemctl", "start", "sightd")


def test_upgrade(machine: Machine, package: Path, tmp_path: Path) -> None:
    """An upgrade keeps an edited configuration, restarts the running service after its requests, and can be undone."""
    subprocess.run(["dpkg-deb", "-R", package, tmp_path / "tree"], check=True)
    control = tmp_path / "tree" / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9."))
    with (tmp_path / "tree" / CONFIG.lstrip("/")).open("a") as shipped:
        shipped.write("# A new default.\n")
    subprocess.run(["dpkg-deb", "-Zgzip", "-b", tmp_path / "tree", machine.root / "root" / "new.deb"], check=True)
    machine.write(CONFIG, "[limits]\nqueue = 77\n")
    machine.must("systemctl", "restart", "sightd")
    before = machine.show("MainPID")
    clients = load(machine, 1, 3, 200)
    until(lambda: running(machine) == 3, 20, "requests under way")
    machine.must(*INSTALL, "/root/new.deb")
    assert outcomes(clients) == {"200": 3}
    assert machine.show("MainPID") != before
    assert status(machine, "/readyz") == "200"
    assert queue_of(machine) == 77
    machine.must("test", "-e", f"{CONFIG}.dpkg-dist")
    machine.must(*INSTALL, f"/root/{package.name}")
    assert status(machine, "/readyz") == "200"


def test_full_disk(machine: Machine) -> None:
    """On a full disk requests are answered, the journal names the file that takes no more, and the audit log goes on
    once there is room."""
    state, audit = "/var/lib/sightd", "/var/lib/sightd/audit.jsonl"
    machine.must("systemctl", "stop", "sightd")
    machine.must("mount", "-t", "tmpfs", "-o", "size=16k,mode=750,uid=sightd,gid=sightd", "tmpfs", state)
    machine.write(CONFIG, f'[audit]\npath = "{audit}"\n')
    machine.must("systemctl", "start", "sightd")
    since = machine.must("date", "+%s").strip()
    machine.run("dd", "if=/dev/zero", f"of={state}/fill", "bs=4k")
    assert hello(machine) == "200"
    said = machine.journal("--since", f"@{since}", "-o", "cat")
    assert "audit entry not written" in said
    assert audit in machine.journal("--since", f"@{since}", "-o", "json")
    machine.must("rm", f"{state}/fill")
    assert hello(machine) == "200"
    assert "1 entries" in machine.must("sightctl", "audit", "verify", audit)
    machine.must("systemctl", "stop", "sightd")
    machine.must("umount", state)
    machine.write(CONFIG, "")
    machine.must("systemctl", "start", "sightd")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (f"echo '[limits' > {CONFIG}", f"{CONFIG}: is not valid TOML"),
        (f"echo '[limits]\nqueu = 1' > {CONFIG}", "did you mean 'queue'?"),
        (
            "touch /etc/sightd/keys.json; chown root:root /etc/sightd/keys.json; chmod 600 /etc/sightd/keys.json",
            "keys.json cannot be read",
        ),
        (
            "mkdir -p /srv/m; echo {} > /srv/m/config.json; chmod 600 /srv/m/config.json",
            "/srv/m/config.json cannot be read by user sightd",
        ),
        ("test ! -e /srv/m", "/srv/m/config.json is missing"),
        (
            "systemd-run -q --unit=other python3 -m http.server -b 127.0.0.1 8000; sleep 1",
            "127.0.0.1:8000: the port is taken",
        ),
    ],
    ids=["broken file", "unknown key", "unreadable keys", "unreadable model", "missing model", "taken port"],
)
def test_what_is_wrong_is_said(machine: Machine, prepare: str, said: str) -> None:
    """A start that cannot succeed fails with a sentence that names what to change, a bounded number of times."""
    machine.run("systemctl", "stop", "sightd")
    machine.run("systemctl", "reset-failed", "sightd")
    machine.write(DROP_IN, "[Service]\nRestartSec=0\n")
    machine.run("rm", "-rf", "/etc/sightd/conf.d", "/etc/sightd/keys.json", "/srv/m")
    machine.write(CONFIG, '[model]\npath = "/srv/m"\n' if "/srv/m" in prepare else "")
    machine.must("systemctl", "daemon-reload")
    machine.must("sh", "-c", prepare)
    since = machine.must("date", "+%s").strip()
    assert machine.run("systemctl", "start", "sightd").returncode != 0
    until(lambda: machine.show("ActiveState") == "failed", 60, "an end of the tries")
    assert said in machine.journal("--since", f"@{since}", "-o", "cat")
    assert int(machine.show("NRestarts")) <= 5
    machine.run("systemctl", "stop", "other")
    machine.must("rm", DROP_IN)


def test_purge(machine: Machine) -> None:
    """Purging takes the configuration and says that the models stay."""
    machine.write("/var/lib/sightd/models/mine/config.json", "{}")
    machine.write("/etc/sightd/conf.d/own.toml", "")
    done = machine.run("dpkg", "--purge", "sightd")
    assert done.returncode == 0
    assert "/var/lib/sightd is kept" in done.stderr
    assert machine.run("test", "-e", "/etc/sightd").returncode != 0
    assert machine.run("test", "-e", "/usr/lib/sightd").returncode != 0
    machine.must("test", "-e", "/var/lib/sightd/models/mine/config.json")
