"""Run inside the unit's fences: tries to cross each of them, and prints how that failed. Standard library only."""

import ctypes
import errno
import os
import socket
import subprocess

libc = ctypes.CDLL(None, use_errno=True)


def attempt(what):
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "crossed"


def system_call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def write(path):
    return lambda: os.close(os.open(path, os.O_WRONLY | os.O_CREAT))


def execute(path):
    return lambda: subprocess.run([path], check=False)


program = os.path.join(os.environ["CACHE_DIRECTORY"], "program")
with open(program, "w") as file:
    file.write("#!/bin/sh\n")
os.chmod(program, 0o755)

for name, what in {
    "system": write("/srv/open/new"),
    "configuration": write("/etc/sightd/new.toml"),
    "state": write(os.path.join(os.environ["STATE_DIRECTORY"], "new")),
    "device": lambda: os.close(os.open("/dev/probe", os.O_RDONLY)),
    "mount": lambda: system_call(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None),
    "priority": lambda: os.nice(-1),
    "affinity": lambda: os.sched_setaffinity(0, {0}),
    "namespace": lambda: system_call(libc.unshare, 0x10000000),
    "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "program": execute(program),
    "home": lambda: os.listdir("/root"),
}.items():
    print(f"{name}={attempt(what)}", flush=True)
