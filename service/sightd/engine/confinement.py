"""What an engine on the CPU gives up. It reads weights and pictures that others made; should one of them take it over,
it is to find no network, no program to run, nothing to write to and no file but the model's and its libraries'.

An engine on a card keeps these: a card's libraries open devices, write caches and run compilers as they like.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from py_landlock import AccessFs, Landlock

from .. import logs
from ..media.sandbox import attempt, no_new_privileges

log = logs.get(__name__)

SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys", "/dev/urandom"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/kernel", "/proc/sys/vm"),
)
"""What libraries read while they are loaded and when they ask for the processor: of /proc nothing of other processes,
whose variables can hold keys."""
FOLDER = AccessFs.READ_FILE | AccessFs.READ_DIR
DENIED = (
    # The network, and other processes by way of sockets.
    *("socket", "connect", "bind", "listen", "accept", "accept4", "io_uring_setup"),
    # Programs and processes; threads stay.
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open"),
    # The machine.
    *("mount", "umount2", "move_mount", "open_tree", "fsopen", "pivot_root", "chroot", "unshare", "setns"),
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "open_by_handle_at"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"),
)
CLONE_THREAD = 0x00010000
UNKNOWN = -1
"""What libseccomp gives for a name that it does not know."""


class Confinement:
    """An engine's sandbox. `begin` before any thread is started, `complete` once the model is loaded. `layers` has each
    by name, with "applied" or with why it is missing."""

    def __init__(self) -> None:
        self.layers: dict[str, str] = {}

    def begin(self, folder: Path) -> None:
        """Give up privileges and all files but those below the model's folder and Python's."""
        filtering = system_call_filter()
        self._apply("no_new_privs", no_new_privileges)
        self._apply("landlock", lambda: read_only([folder, *python_folders(), *map(Path, SYSTEM)]))
        self._filter = filtering

    def complete(self) -> None:
        """Give up the network, programs and the machine, for all threads. What is missing is logged."""
        self._apply("seccomp", self._filter)
        if missing := {name: why for name, why in self.layers.items() if why != "applied"}:
            log.warning("an engine runs with less of a sandbox than intended", missing=missing)

    def _apply(self, name: str, layer: Callable[[], None]) -> None:
        self.layers[name] = attempt(layer) or "applied"


def python_folders() -> Iterable[Path]:
    """Where Python finds modules and the libraries that they load, late too."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return map(Path, {sys.prefix, sys.base_prefix, *filter(None, [*sys.path, *libraries])})


def read_only(paths: Iterable[Path]) -> None:
    """Nothing but these can be read, and nothing written but to /dev/null. Raises LandlockError."""
    rules = Landlock(strict=False).add_path_rule("/dev/null", access=AccessFs.READ_FILE | AccessFs.WRITE_FILE)
    for path in filter(Path.exists, paths):
        rules.add_path_rule(path, access=FOLDER if path.is_dir() else AccessFs.READ_FILE)
    rules.apply()


def system_call_filter() -> Callable[[], None]:
    """Prepare the filter, which needs files; the result loads it, or raises why there is none."""
    try:
        import pyseccomp as seccomp

        denying = seccomp.SyscallFilter(seccomp.ALLOW)
        denying.set_attr(seccomp.Attr.CTL_TSYNC, 1)
        for name in DENIED:
            if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) != UNKNOWN:
                denying.add_rule(seccomp.ERRNO(errno.EPERM), name)
        denying.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
        # Its flags cannot be seen; the C library falls back to clone.
        denying.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
        denying.add_rule(seccomp.ERRNO(errno.EPERM), "kill", seccomp.Arg(0, seccomp.NE, os.getpid()))
    except (ImportError, OSError, RuntimeError) as error:
        reason = error
    else:
        load: Callable[[], None] = denying.load
        return load

    def fail() -> None:
        raise reason

    return fail
