"""What goes wrong while the service runs: it goes on where it can, and one line says what it is."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

from ..waiting import until
from .machine import Machine
from .service import CONFIG, URL, begin, engine, hello, load, outcomes, ready, running, since_now, status_of


def test_killed_engine(machine: Machine) -> None:
    """An engine that is killed under load costs no request; status and journal say in one line that it died of it."""
    begin(machine)
    since = since_now(machine)
    clients = load(machine, 1, 2, 200)
    until(lambda: running(machine) == 2, 20, "requests under way")
    machine.must("kill", "-KILL", engine(machine))
    until(lambda: "(the engine ended with status -9 (killed;" in machine.show("StatusText"), 10, "a status")
    assert "engine died" in status_of(machine)
    assert outcomes(clients) == {"200": 2}
    assert "engine died" in machine.journal("--since", since, "-p", "err", "-o", "cat")
    assert machine.show("NRestarts") == "0"


def test_crashing_engine(machine: Machine) -> None:
    """A service whose engine dies at every start says so and ends, and systemd starts it again."""
    begin(machine, "RestartSec=1")
    since = since_now(machine)
    kill = "while sleep 0.2; do pkill -KILL -f '[s]ightd.engine.process'; done"
    machine.must("systemd-run", "-q", "--unit=killer", "sh", "-c", kill)
    said = "every engine has given up, the service ends"
    until(lambda: said in machine.journal("--since", since, "-o", "cat"), 120, "the end of the tries")
    machine.must("systemctl", "stop", "killer")
    (line,) = [
        line for line in machine.journal("--since", since, "-p", "crit", "-o", "cat").splitlines() if said in line
    ]
    assert "6 times in a row" in line
    until(lambda: machine.show("NRestarts") == "1" and ready(machine), 60, "a ready service")


def test_killed_worker(machine: Machine) -> None:
    """A worker that is killed is started again by its own supervisor, which says so in one line."""
    begin(machine)
    since = since_now(machine)
    before = machine.show("MainPID")
    worker = machine.must("pgrep", "-P", before).split()[0]
    machine.must("kill", "-KILL", worker)
    until(lambda: f"(pid:{worker}) was sent SIGKILL" in status_of(machine), 10, "the line")
    assert "was sent SIGKILL" in machine.journal("--since", since, "-p", "err", "-o", "cat")
    until(lambda: ready(machine), 60, "a ready service")
    assert (machine.show("MainPID"), machine.show("NRestarts")) == (before, "0")


def set_clock(file: Path, seconds: int) -> None:
    """Set the clock of what was started with `clock.c` so many seconds off."""
    with file.open("r+b") as clock:
        clock.write(struct.pack("q", seconds))


def jumps(machine: Machine, since: str) -> str:
    """The journal's lines about clocks that were set."""
    lines = machine.journal("--since", since, "-o", "cat").splitlines()
    return "\n".join(line for line in lines if line.startswith("the machine's clock was set"))


def test_clock_jump(machine: Machine) -> None:
    """A clock that is set by a day, ahead and back, fails no request and starves no watchdog; the journal says it. A
    container has its host's clock, so it is the C library's that is set."""
    clock = machine.root / "srv" / "clock"
    clock.write_bytes(struct.pack("q", 0))
    clock.chmod(0o644)
    library = machine.root / "usr" / "lib" / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, Path(__file__).parent / "clock.c"], check=True)
    begin(machine, "Environment=LD_PRELOAD=/usr/lib/clock.so TEST_CLOCK=/srv/clock", "WatchdogSec=20")
    since = since_now(machine)
    clients = load(machine, 15, 2)
    until(lambda: running(machine) > 0, 20, "requests under way")
    for seconds in (86_400, -86_400):
        set_clock(clock, max(0, seconds))
        said = f"seconds={seconds}"
        until(lambda said=said: said in jumps(machine, since), 10, said)
    assert set(outcomes(clients)) == {"200"}
    assert json.loads(machine.must("curl", "-s", URL + "/health"))["uptime_seconds"] < 3_600
    assert machine.show("NRestarts") == "0"


def test_watchdog(machine: Machine) -> None:
    """An engine that is stopped starves the watchdog; systemd ends the service, starts it again, and it serves."""
    begin(machine, "WatchdogSec=5", "RestartSec=1", "Environment=SIGHTD_ENGINE__HANG_SECONDS=3600")
    machine.must("kill", "-STOP", engine(machine))
    until(lambda: machine.show("NRestarts") == "1", 60, "a restart")
    until(lambda: ready(machine), 60, "a ready service")
    assert "Watchdog timeout" in machine.journal()


def test_full_disk(machine: Machine) -> None:
    """On a full disk requests are answered, the journal names the file that takes no more, and the audit log goes on
    once there is room."""
    state, audit = "/var/lib/sightd", "/var/lib/sightd/audit.jsonl"
    machine.must("systemctl", "stop", "sightd")
    machine.must("mount", "-t", "tmpfs", "-o", "size=16k,mode=750,uid=sightd,gid=sightd", "tmpfs", state)
    machine.write(CONFIG, f'[audit]\npath = "{audit}"\n')
    begin(machine)
    since = since_now(machine)
    machine.run("dd", "if=/dev/zero", f"of={state}/fill", "bs=4k")
    assert hello(machine) == "200"
    said = machine.journal("--since", since, "-o", "cat")
    assert "audit entry not written" in said
    assert audit in machine.journal("--since", since, "-o", "json")
    machine.must("rm", f"{state}/fill")
    assert hello(machine) == "200"
    assert "1 entries" in machine.must("sightctl", "audit", "verify", audit)
    machine.must("systemctl", "stop", "sightd")
    machine.must("umount", state)
    machine.write(CONFIG, "")
