"""`python -m tests.media.escapes`: a process in the decoders' sandbox that tries to get out of it when asked to."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sightd.media.sandbox import Bounds, begin_job, enter
from sightd.processes.channel import ChannelClosed, memory_file, receive, send
from sightd.processes.child import attach

GIB = 1 << 30
PTRACE_TRACEME = 0
IO_URING_SETUP = 425


def system_call(number: int, *arguments: int) -> None:
    """A bare system call. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def fork() -> None:
    """Another process."""
    if os.fork() == 0:
        os._exit(0)


def spin() -> None:
    """Processor time without end."""
    while True:
        pass


def write_a_gigabyte() -> None:
    """A large anonymous file, the only kind there is, written by and by."""
    descriptor = memory_file(b"", "large")
    try:
        for _ in range(1024):
            os.write(descriptor, bytes(GIB // 1024))
    finally:
        os.close(descriptor)


def open_many_files() -> None:
    """A hundred anonymous files at once."""
    held: list[int] = []
    try:
        held.extend(memory_file(b"", "many") for _ in range(100))
    finally:
        for descriptor in held:
            os.close(descriptor)


def run_thread() -> None:
    """A thread, from its start to its end."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


ESCAPES: dict[str, Callable[[], object]] = {
    "read a file": lambda: Path("/etc/passwd").read_bytes(),
    "read its own memory": lambda: os.open("/proc/self/mem", os.O_RDONLY),
    "list a folder": lambda: os.listdir("/"),  # noqa: PTH208
    "write a file": lambda: os.open("/tmp/sightd-escape", os.O_WRONLY | os.O_CREAT, 0o600),  # noqa: S108
    "look at a file": lambda: Path("/etc/passwd").stat(),
    "remove a file": lambda: Path("/tmp/sightd-nothing").unlink(),  # noqa: S108
    "open a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
    "open a Unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close(),
    "make a pair of sockets": socket.socketpair,
    "fork": fork,
    "execute a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "signal the front": lambda: os.kill(os.getppid(), 0),
    "trace": lambda: system_call(101, PTRACE_TRACEME),
    "use io_uring": lambda: system_call(IO_URING_SETUP, 1, 0),
    "mount": lambda: system_call(165, 0, 0, 0, 0, 0),
    "read keys": lambda: system_call(250, 0, 0, 0),
    "map memory to execute": lambda: system_call(9, 0, 4096, 7, 0x22, -1, 0),
    "allocate 4 GB": lambda: bytearray(4 * GIB),
    "write 1 GB": write_a_gigabyte,
    "open many files": open_many_files,
    "end the process": os.abort,
    "spin": spin,
    "sleep": lambda: time.sleep(3600),
}

STILL_POSSIBLE: dict[str, Callable[[], object]] = {
    "make a small anonymous file": lambda: os.close(memory_file(b"result", "result")),
    "run a thread": run_thread,
}


def main() -> None:
    """Do what the test asks for and say how it went."""
    end = attach()
    bounds = Bounds(**receive(end).message)
    send(end, {"sandbox": enter(bounds)})
    try:
        while True:
            attempt = receive(end).message["attempt"]
            begin_job(bounds.job_seconds)
            try:
                (ESCAPES | STILL_POSSIBLE)[attempt]()
            except (OSError, MemoryError, ValueError) as error:
                send(end, {"failed": type(error).__name__})
            else:
                send(end, {"failed": ""})
    except ChannelClosed:
        sys.exit()


if __name__ == "__main__":
    main()
