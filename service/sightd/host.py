"""The process that the application runs in, and the service manager that started it.

Messages are those of sd_notify(3). gunicorn's arbiter would say that the service is ready as soon as it listens, so the
daemon takes the socket's address out of the environment before that, and the worker speaks instead.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from . import logs
from .config import Settings
from .ending import Ending

MICROSECONDS = 1_000_000
STOP_SECONDS = 15.0
"""What ending takes beyond the time that requests have."""
REASON_CHARACTERS = 1000
"""systemd leaves a message of more than 4096 bytes unread."""

log = logs.get(__name__)


class Notifier:
    """Messages to the service manager. systemd listens to what it started itself, so that no other can speak for the
    service: what the worker has to say goes through a socket pair and is passed on by the arbiter."""

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._passed_on, self._inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._passed_on.setblocking(False)
        self._inside.setblocking(False)

    @classmethod
    def from_environment(cls) -> Notifier:
        """The service manager's socket, which child processes do not learn of any more."""
        return cls(os.environ.pop("NOTIFY_SOCKET", None))

    @property
    def listened_to(self) -> bool:
        """Whether there is a service manager."""
        return bool(self._address)

    def say(self, **fields: object) -> None:
        """In the worker: have the fields sent as one message, within a second."""
        if self._address:
            try:
                self._inside.send("\n".join(f"{name}={value}" for name, value in fields.items()).encode())
            except BlockingIOError:
                log.warning("the arbiter passes nothing on to systemd")

    def close(self) -> None:
        """Close the socket pair."""
        self._passed_on.close()
        self._inside.close()

    def pass_on(self) -> None:
        """In the main process: send what the worker has said since."""
        while self._address:
            try:
                self._send(self._passed_on.recv(4096))
            except BlockingIOError:
                return

    def stopping(self, drain_seconds: float) -> None:
        """In the main process: requests may go on for `drain_seconds` before the service ends."""
        if self._address:
            wait = int((drain_seconds + STOP_SECONDS) * MICROSECONDS)
            self._send(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={wait}".encode())

    def failing(self, reason: str) -> None:
        """In a process that systemd itself started and that is about to end: say why, in one line of bounded length."""
        if self._address:
            self._send(f"STATUS={' '.join(reason.split())[:REASON_CHARACTERS]}".encode())

    def _send(self, message: bytes) -> None:
        assert self._address is not None
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.connect(address)
                end.sendall(message)
        except OSError as error:
            log.warning("systemd cannot be told", reason=str(error))


@dataclass(frozen=True)
class Host:
    """What the application needs of its process: how to read the configuration again (raises ConfigError), whom to tell
    how it is, and the process's end."""

    read: Callable[[], Settings]
    notifier: Notifier
    ending: Ending


def handed_over() -> bool:
    """Whether systemd gave this process its listening sockets."""
    return os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS", "0") != "0"
