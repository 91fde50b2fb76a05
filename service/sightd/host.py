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

log = logs.get(__name__)


class Notifier:
    """The socket to the service manager; without an address nobody listens and nothing is sent."""

    def __init__(self, address: str | None) -> None:
        self._address = address

    @classmethod
    def from_environment(cls) -> Notifier:
        """The service manager's socket, which child processes do not learn of any more."""
        return cls(os.environ.pop("NOTIFY_SOCKET", None))

    @property
    def listened_to(self) -> bool:
        """Whether there is a service manager."""
        return bool(self._address)

    def send(self, **fields: object) -> None:
        """Send the fields as one message."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.connect(address)
                end.sendall(message.encode())
        except OSError as error:
            log.warning("systemd cannot be told", reason=str(error))

    def stopping(self, drain_seconds: float) -> None:
        """Requests may go on for `drain_seconds` before the service ends."""
        self.send(STOPPING=1, EXTEND_TIMEOUT_USEC=int((drain_seconds + STOP_SECONDS) * MICROSECONDS))


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
