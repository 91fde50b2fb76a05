"""An installed sightd at work on a real systemd, from the first start on. The order matters."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from sightd.selftest.known import known_questions, same

from ..waiting import until
from .machine import Machine
from .service import INSTALL, URL, engine, load, outcomes, queue_of, running, status

TOP = Path(__file__).parents[2]


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
