"""What goes wrong while the service runs: it goes on where it can, and one line says what it is."""

from __future__ import annotations

import json

from ..waiting import until
from .machine import Machine
from .service import CONFIG, URL, begin, engine, hello, load, outcomes, ready, running, since_now, status_of

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def test_killed_engine(machine: Machine) -> None:
    """An engine that is killed under load costs no request; status and journal say in one line that it died of it."""
    begin(machine)
    since = since_now(machine)
    clients = load(machine, 1, 2, 200)
    until(lambda: running(machine) == 2, 20, "requests under way")
    machine.must("kill", "-KILL", engine(machine))
    until(lambda: "restarting (the engine ended with status -9 (killed;" in machine.show("StatusText"), 10, "a status")
    assert "engine died" in status_of(machine)
    assert outcomes(clients) == {"200": 2}
    assert "engine died" in machine.journal("--since", since, "-p", "err", "-o", "cat")
    assert machine.show("NRestarts") == "0"


def test_crashing_engine(machine: Machine) -> None:
    """A service whose engine dies at every start says so and ends, and systemd starts it again."""
    begin(machine, "RestartSec=1")
    since = since_now(machine)
    kill = "while sleep 0.2; do pkill -KILL -f sightd.engine.process; done"
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


def test_clock_jump(machine: Machine) -> None:
    """A clock that is set by a day, ahead and back, fails no request and starves no watchdog; the journal says it."""
    machine.write("/srv/clock", "+0")
    faked = (
        f"LD_PRELOAD={FAKETIME} FAKETIME_TIMESTAMP_FILE=/srv/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1"
    )
    begin(machine, f"Environment={faked}", "WatchdogSec=20")
    since = since_now(machine)
    clients = load(machine, 15, 2)
    until(lambda: running(machine) > 0, 20, "requests under way")
    for offset, seconds in (("+86400", 86_400), ("+0", -86_400)):
        machine.write("/srv/clock", offset)
        said = f"the machine's clock was set process=front seconds={seconds}"
        until(lambda said=said: said in machine.journal("--since", since, "-o", "cat"), 10, said)
    assert set(outcomes(clients)) == {"200"}
    assert float(json.loads(machine.must("curl", "-s", URL + "/health"))["uptime_seconds"]) < 3_600
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
