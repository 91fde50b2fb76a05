"""Starts that cannot succeed: one sentence that names the file and the remedy, and an end of the tries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..waiting import until
from .machine import Machine
from .service import CONFIG, DROP_IN, since_now, status_of

STATE = "/var/lib/sightd"
FULL = f"mount -t tmpfs -o size=4k,uid=sightd,gid=sightd tmpfs {STATE}; head -c 4096 /dev/zero > {STATE}/fill"
MODEL = "/srv/m"
OTHER = "systemd-run -q --unit=other python3 -m http.server -b 127.0.0.1 8000"
ANSWERED = "until curl -s -o /dev/null http://127.0.0.1:8000; do sleep 0.1; done"
CASES = {
    "broken file": ("", f"echo '[limits' > {CONFIG}", f"{CONFIG}: is not valid TOML"),
    "unknown key": (
        "",
        f"echo '[limits]\nqueu = 1' > {CONFIG}",
        f"{CONFIG}: limits.queu = 1: is not known; did you mean 'queue'?",
    ),
    "unreadable file": (
        "",
        f"chmod 600 {CONFIG}",
        f"{CONFIG}: cannot be read: Permission denied; `chmod a+r {CONFIG}`",
    ),
    "unreadable keys": (
        "",
        "touch /etc/sightd/keys.json; chown root:root /etc/sightd/keys.json; chmod 600 /etc/sightd/keys.json",
        "/etc/sightd/keys.json cannot be read: Permission denied; `chgrp sightd /etc/sightd/keys.json;",
    ),
    "broken credential": (
        "",
        "mkdir -p -m 700 /etc/credstore; echo '{' > /etc/credstore/keys.json",
        "/run/credentials/sightd.service/keys.json: the file: Invalid JSON",
    ),
    "model of another owner": (
        f'[model]\npath = "{MODEL}"\n',
        f"install -d -o root -m 700 {MODEL}; echo {{}} > {MODEL}/config.json",
        f"{MODEL} cannot be read by user sightd; `chmod -R a+rX {MODEL}`",
    ),
    "model file of another owner": (
        f'[model]\npath = "{MODEL}"\n',
        f"mkdir -p {MODEL}; echo {{}} > {MODEL}/config.json; chmod 600 {MODEL}/config.json",
        f"{MODEL}/config.json cannot be read by user sightd; `chmod -R a+rX {MODEL}`",
    ),
    "missing model": (f'[model]\npath = "{MODEL}"\n', "true", f"{CONFIG}: model.path: {MODEL}/config.json is missing"),
    "no right to write": (
        '[audit]\npath = "/srv/audit.jsonl"\n',
        "true",
        "/srv/audit.jsonl cannot be written by user sightd; /var/lib/sightd can be.",
    ),
    "no space": (
        f'[audit]\npath = "{STATE}/audit.jsonl"\n',
        FULL,
        f"{STATE}/audit.jsonl cannot be written, its file system is full; `df -h {STATE}` shows it.",
    ),
    "taken port": (
        "",
        f"{OTHER}; {ANSWERED}",
        "127.0.0.1:8000: the port is taken by another program; `ss -ltnp sport = :8000` shows which.",
    ),
}


@pytest.fixture(autouse=True)
def _tidy(machine: Machine) -> Iterator[None]:
    """Nothing of a case is in the way of the next test."""
    machine.run("systemctl", "stop", "sightd")
    machine.run("systemctl", "reset-failed", "sightd")
    machine.run("rm", "-rf", "/etc/sightd/conf.d")
    machine.write(DROP_IN, "[Service]\nRestartSec=0\n")
    yield
    machine.run("systemctl", "stop", "sightd", "other")
    machine.run("systemctl", "reset-failed", "sightd")
    machine.run("umount", STATE)
    machine.run("rm", "-rf", "/etc/sightd/keys.json", "/etc/credstore/keys.json", MODEL)
    machine.write(CONFIG, "")


def refused(machine: Machine) -> str:
    """What the journal has as errors of a start that fails; the tries have come to an end."""
    since = since_now(machine)
    assert machine.run("systemctl", "start", "sightd").returncode != 0
    until(lambda: machine.show("ActiveState") == "failed", 60, "an end of the tries")
    assert int(machine.show("NRestarts")) <= 5
    journal = machine.journal("--since", since, "-o", "cat")
    assert "Start request repeated too quickly." in journal or int(machine.show("NRestarts")) == 0
    return machine.journal("--since", since, "-o", "cat", "-p", "err")


@pytest.mark.parametrize(("config", "prepare", "said"), CASES.values(), ids=CASES.keys())
def test_what_is_wrong_is_said(machine: Machine, config: str, prepare: str, said: str) -> None:
    """A start that cannot succeed fails with a sentence that names what to change, in the journal and as the one line of
    status that systemctl shows, a bounded number of times."""
    machine.write(CONFIG, config)
    machine.must("systemctl", "daemon-reload")
    machine.must("sh", "-c", prepare)
    assert said in refused(machine)
    (status,) = [line for line in status_of(machine).splitlines() if line.lstrip().startswith("Status:")]
    assert 'Status: "sightd cannot start: ' in status
    assert said in status


def test_a_credential_that_is_not_there(machine: Machine) -> None:
    """A credential that an operator's line names and that is not there keeps systemd from running anything; the status
    names the step."""
    machine.write(DROP_IN, "[Service]\nRestartSec=0\nLoadCredential=keys.json:/srv/none\n")
    machine.must("systemctl", "daemon-reload")
    assert "Failed to set up credentials" in refused(machine)
    assert "status=243/CREDENTIALS" in status_of(machine)
