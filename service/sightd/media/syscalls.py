"""The system calls that a decoder keeps; every other one fails with EPERM. Through libseccomp.

What is kept works on memory, on descriptors that are open already, and on threads. There is nothing in it that opens
a file or a socket, makes or watches a process, or maps memory that can be executed.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

CLONE_THREAD = 0x00010000
PROT_EXEC = 0x4
RLIMIT_CPU = 0
UNKNOWN = -1
"""What libseccomp gives for a name that it does not know."""

KEPT = (
    # Memory.
    *("brk", "mremap", "munmap", "madvise"),
    # Descriptors that are open: messages, memory files, the log.
    *("read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "close", "dup"),
    *("fcntl", "memfd_create", "sendmsg", "recvmsg", "poll", "ppoll"),
    # Threads, which image libraries use.
    *("futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "gettid", "getpid"),
    # Signals of the process itself, and its end.
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group"),
    # Time and facts.
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "getrandom", "getrusage"),
    *("sysinfo", "uname"),
)


def system_call_filter() -> Callable[[], None]:
    """Prepare the filter; the result loads it for all threads of the process. Both raise OSError or RuntimeError when
    libseccomp is missing or the kernel has no filters. Preparing needs files, loading does not."""
    # It looks for libseccomp on the disk as it is imported, which the front need not do.
    import pyseccomp as seccomp

    keeping = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    keeping.set_attr(seccomp.Attr.CTL_TSYNC, 1)
    for name in KEPT:
        keep(keeping, name)
    for name in ("mmap", "mprotect"):
        keep(keeping, name, seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    keep(keeping, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, CLONE_THREAD))
    # The C library tries clone3 first, whose flags a filter cannot see, and falls back when it is not there.
    keeping.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    # abort() must end the process.
    keep(keeping, "tgkill", seccomp.Arg(0, seccomp.EQ, os.getpid()), seccomp.Arg(2, seccomp.EQ, signal.SIGABRT))
    # Limits may be read; the soft limit of processor time is set for every job.
    keep(keeping, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(2, seccomp.EQ, 0))
    keep(keeping, "prlimit64", seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(1, seccomp.EQ, RLIMIT_CPU))
    load: Callable[[], None] = keeping.load
    return load


def keep(keeping: Any, name: str, *arguments: Any) -> None:
    """Allow a system call when all `arguments` match; one that libseccomp here does not know stays refused."""
    import pyseccomp as seccomp

    if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) != UNKNOWN:
        keeping.add_rule(seccomp.ALLOW, name, *arguments)
