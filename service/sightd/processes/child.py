"""Starting a Python child that dies with its parent and holds nothing but its end of a channel."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping

PR_SET_PDEATHSIG = 1
CHANNEL_VARIABLE = "SIGHTD_CHANNEL_FD"


def spawn(
    module: str, end: socket.socket, environment: Mapping[str, str] | None = None, inherit: bool = True
) -> subprocess.Popen[bytes]:
    """Start `python -m module` with its channel end as an inherited descriptor; this process's end of it is closed.

    `environment` is added to ours, or is all there is when the child is not to `inherit` it. Standard output and error
    are ours, so that the child's log lines join ours; standard input is empty.
    """
    ours = os.environ if inherit else {}
    variables = {**ours, **(environment or {}), CHANNEL_VARIABLE: str(end.fileno())}
    for secret in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"):
        variables.pop(secret, None)
    command = [sys.executable, "-P", "-m", module, str(os.getpid())]
    child = subprocess.Popen(command, env=variables, pass_fds=[end.fileno()], stdin=subprocess.DEVNULL)
    end.close()
    return child


def die_with_parent(parent: int, how: signal.Signals) -> None:
    """Ask the kernel for a signal when the parent ends; exits when it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, how, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The parent process is gone.")


def attach() -> socket.socket:
    """In a child: die with the parent, leave Ctrl-C to it, and take the channel end."""
    die_with_parent(int(sys.argv[1]), signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return socket.socket(fileno=int(os.environ.pop(CHANNEL_VARIABLE)))
