"""The decoders' sandbox, tried from inside by a process that is locked in by the very same function."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sightd.media.decoderclient import ONE_THREAD
from sightd.media.sandbox import Bounds
from sightd.processes.channel import ChannelClosed, pair, receive, send, waiting
from sightd.processes.child import spawn

from .escapes import ESCAPES, STILL_POSSIBLE

MIB = 1 << 20
BOUNDS = Bounds(memory_bytes=768 * MIB, job_seconds=1, result_bytes=64 * MIB, jobs=100)
ROOT = Path(__file__).parent.parent.parent
ENDS_THE_PROCESS = {"spin": signal.SIGXCPU, "end the process": signal.SIGABRT}
ONLY_STOPPED_BY_THE_FRONT = {"sleep"}


class Prisoner:
    """A locked-in process that tries what it is told."""

    def __init__(self) -> None:
        self.end, theirs = pair()
        paths = f"{ROOT}:{ROOT / 'service'}"
        self.process = spawn("tests.media.escapes", theirs, {"PYTHONPATH": paths} | ONE_THREAD)
        send(self.end, asdict(BOUNDS))
        self.sandbox: dict[str, str] = self.answer()["sandbox"]

    def answer(self) -> dict[str, Any]:
        """Its next message."""
        assert waiting(self.end, 60), "no answer"
        return receive(self.end).message

    def attempt(self, what: str) -> str:
        """The name of the error that an attempt ended with, "" when it got through."""
        send(self.end, {"attempt": what})
        failed: str = self.answer()["failed"]
        return failed

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self.end.close()


@pytest.fixture(scope="module")
def prisoner() -> Iterator[Prisoner]:
    """One process for all attempts that it survives."""
    locked = Prisoner()
    yield locked
    locked.close()


def test_every_layer_holds_here(prisoner: Prisoner) -> None:
    """On a kernel that has all layers, none is missing."""
    assert prisoner.sandbox == {"no_new_privs": "", "rlimits": "", "landlock": "", "seccomp": ""}


@pytest.mark.parametrize("what", sorted(set(ESCAPES) - set(ENDS_THE_PROCESS) - ONLY_STOPPED_BY_THE_FRONT))
def test_escape(prisoner: Prisoner, what: str) -> None:
    """The attempt fails, and the process that made it goes on."""
    assert prisoner.attempt(what) in ("PermissionError", "MemoryError", "OSError")


@pytest.mark.parametrize("what", sorted(STILL_POSSIBLE))
def test_what_decoding_needs(prisoner: Prisoner, what: str) -> None:
    """Results and the threads of image libraries are still possible."""
    assert prisoner.attempt(what) == ""


@pytest.mark.parametrize("what", sorted(ENDS_THE_PROCESS))
def test_the_end_of_a_process(what: str) -> None:
    """Spinning past the limit of processor time and aborting end the process by the kernel's signal."""
    locked = Prisoner()
    try:
        with pytest.raises(ChannelClosed):
            locked.attempt(what)
        assert locked.process.wait(10) == -ENDS_THE_PROCESS[what]
    finally:
        locked.close()


def test_attempts_that_succeed_outside() -> None:
    """Outside of the sandbox the same attempts get through, so it is the sandbox that stops them."""
    for what in ("read a file", "list a folder", "look at a file", "open a socket", "map memory to execute"):
        ESCAPES[what]()


def test_a_kernel_without_a_layer() -> None:
    """What cannot be applied is told by name with a reason, and the other layers hold."""
    program = (
        "import json, sys; sys.modules['pyseccomp'] = None\n"
        "from sightd.media.sandbox import Bounds, enter\n"
        "layers = enter(Bounds(1 << 30, 1, 1 << 20, 1))\n"
        "sys.stdout.write(json.dumps(layers))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert '"landlock": ""' in done.stdout
    assert "pyseccomp" in done.stdout


def test_descriptors_of_a_decoder(prisoner: Prisoner) -> None:
    """A locked-in process holds its standard streams and its channel, nothing else of the front."""
    with socket.socket():
        held = sorted(path.name for path in Path(f"/proc/{prisoner.process.pid}/fd").iterdir())
    assert len(held) == 4
