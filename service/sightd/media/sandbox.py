"""What a decoder process gives up before it sees a client's bytes: privileges, files, the network, most system calls.

Every layer is tried by itself, because kernels and hosts differ; `enter` tells what could not be applied.
"""

from __future__ import annotations

import ctypes
import math
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

from py_landlock import Landlock, LandlockError

from .syscalls import system_call_filter

PR_SET_NO_NEW_PRIVS = 38
DESCRIPTORS = 16
"""Standard streams, the channel, a job's file, its result, a long message, and some for libraries."""


@dataclass(frozen=True)
class Bounds:
    """What a decoder may use: bytes of address space, seconds of processor time for a job, bytes of a result, and how
    many jobs it does in its life."""

    memory_bytes: int
    job_seconds: float
    result_bytes: int
    jobs: int

    @property
    def job_cpu_seconds(self) -> int:
        """Whole seconds of processor time that one job may take."""
        return math.ceil(self.job_seconds) + 1


def enter(bounds: Bounds) -> dict[str, str]:
    """Give up for good what decoding does not need. The layers by name, each with why it is missing, or with "" when it
    holds. Everything that decoding imports or opens must be there already; threads that run already are not locked."""
    layers: dict[str, Callable[[], None]] = {
        "no_new_privs": no_new_privileges,
        "rlimits": lambda: limit_resources(bounds),
        "landlock": give_up_files,
        "seccomp": prepared_filter(),
    }
    return {name: attempt(layer) for name, layer in layers.items()}


def prepared_filter() -> Callable[[], None]:
    """What loads the filter of system calls, or raises why there is none. It is prepared while files can be read."""
    try:
        return system_call_filter()
    except (ImportError, OSError, RuntimeError) as error:
        reason = error

    def fail() -> None:
        raise reason

    return fail


def attempt(layer: Callable[[], None]) -> str:
    """Apply a layer; why it could not be, if so."""
    try:
        layer()
    except (ImportError, OSError, RuntimeError, ValueError, LandlockError) as error:
        return str(error) or type(error).__name__
    return ""


def no_new_privileges() -> None:
    """No program that is executed gains privileges. Raises OSError."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl failed")


def limit_resources(bounds: Bounds) -> None:
    """Memory, processor time, file sizes and descriptors. Raises OSError or ValueError.

    RLIMIT_NPROC is left alone: it counts all threads of the user, and the WebP library needs one; seccomp refuses new
    processes instead.
    """
    life = bounds.jobs * bounds.job_cpu_seconds + allowance(bounds.job_seconds)
    limits = {
        resource.RLIMIT_AS: bounds.memory_bytes,
        resource.RLIMIT_FSIZE: bounds.result_bytes,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_CPU: life,
    }
    for which, most in limits.items():
        hard = resource.getrlimit(which)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (bound, bound))


def allowance(seconds: float) -> int:
    """The processor time, in seconds, at which a process that began `seconds` of work now has used them up."""
    return math.ceil(time.process_time() + seconds) + 1


def begin_job(seconds: float) -> None:
    """The kernel ends this process when it uses more than `seconds` of processor time from now on."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = allowance(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def give_up_files() -> None:
    """No file of any file system can be opened or changed, no port connected to; signals stay within. Raises
    LandlockError."""
    Landlock(strict=False).apply()
