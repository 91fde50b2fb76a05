"""What the tests of this folder ask of an installed sightd."""

from __future__ import annotations

import json
import subprocess
import sys

from .machine import Machine

URL = "http://127.0.0.1:8000"
CONFIG = "/etc/sightd/sightd.toml"
DROP_IN = "/etc/systemd/system/sightd.service.d/test.conf"
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


def ready(machine: Machine) -> bool:
    """Whether requests are answered."""
    return status(machine, "/readyz") == "200"


def begin(machine: Machine, *changes: str, no_block: bool = False) -> None:
    """Start the service afresh, with these lines in its unit and no other; `no_block`: without waiting for it."""
    machine.write(DROP_IN, "\n".join(["[Service]", *changes, ""]))
    machine.must("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed", "sightd")
    machine.must("systemctl", "restart", *["--no-block"] * no_block, "sightd")


def since_now(machine: Machine) -> str:
    """The present moment, for the journal."""
    return "@" + machine.must("date", "+%s.%6N").strip()


def status_of(machine: Machine) -> str:
    """What `systemctl status` shows."""
    return machine.run("systemctl", "status", "sightd", "--no-pager", "--full").stdout
