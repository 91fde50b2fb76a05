"""A real sightd to test against: its own process, a free port, and the promise that nothing of it is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from .waiting import until

SIGHTD = str(Path(sys.executable).with_name("sightd"))
SIGHTCTL = str(Path(sys.executable).with_name("sightctl"))
READY_SECONDS = 180.0


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of our own, plus `extra`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SIGHTD_") and k != "CREDENTIALS_DIRECTORY"}
    return kept | dict(extra or {})


def sightctl(*arguments: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """The outcome of a sightctl command, which gets none of our own settings."""
    return subprocess.run(
        [SIGHTCTL, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=clean_environment(),
    )


class Server:
    """A running sightd."""

    def __init__(
        self, folder: Path, arguments: list[str] | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / f"sightd-{self.port}.log"
        command = [SIGHTD, "--bind", f"127.0.0.1:{self.port}", *(arguments or [])]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=clean_environment(environment))
        self.client = httpx.Client(base_url=self.url, timeout=120)

    def wait_ready(self) -> Server:
        """Wait until the server says that it is ready."""
        until(self.is_ready, READY_SECONDS, f"ready server; log:\n{self.log_path.read_text()[-3000:]}")
        return self

    def is_ready(self) -> bool:
        """Whether /readyz says 200."""
        assert self.process.poll() is None, f"sightd ended: {self.log_path.read_text()[-3000:]}"
        return self.status("/readyz") == 200

    def status(self, path: str) -> int | None:
        """The status of a GET, or None when nothing answers."""
        try:
            return self.client.get(path).status_code
        except httpx.TransportError:
            return None

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        return [json.loads(line) for line in self.log_path.read_text("utf-8").splitlines() if line.startswith("{")]

    def request_line(self, request_id: str) -> dict[str, Any]:
        """The canonical line of a request, which is written just after its response."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [
                line for line in self.lines() if line["event"] == "request" and line["request_id"] == request_id
            ]
            return bool(found)

        until(there, 10, f"log line of {request_id}")
        assert len(found) == 1
        return found[0]

    def processes(self) -> list[int]:
        """The ids of the server's processes, children and grandchildren included."""
        return tree(self.process.pid)

    def stop(self) -> None:
        """Stop the server and see that all its processes are gone."""
        self.client.close()
        family = self.processes()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                for pid in family:
                    os.kill(pid, signal.SIGKILL)
                raise
        until(lambda: not any(map(alive, family)), 10, f"end of processes {family}")


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(found for child in children for found in tree(int(child)))]


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children_running(pid: int, module: str) -> list[int]:
    """The descendants of a process that run `python -m module`."""
    return [p for p in tree(pid) if module.encode() in command_line(p)]


def command_line(pid: int) -> bytes:
    """The command line of a process; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
