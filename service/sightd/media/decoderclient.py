"""The front's handle of one decoder process."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..processes.channel import Received, pair
from ..processes.child import spawn
from ..processes.link import Link
from .sandbox import Bounds

KEPT_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
"""What a decoder gets of the front's environment, which may hold keys."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Threads that a library starts as it is imported would stay outside of the sandbox."""


class Decoder:
    """One decoder process, which runs `module`; `on_end` is called when it ends by itself. `began` is whether it has
    looked at the file that it was given last."""

    def __init__(self, module: str, bounds: Bounds, family: str, on_end: Callable[[Decoder], None]) -> None:
        ours, theirs = pair()
        kept = {name: value for name in KEPT_VARIABLES if (value := os.environ.get(name)) is not None}
        self._process: subprocess.Popen[bytes] = spawn(module, theirs, kept | ONE_THREAD, inherit=False)
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Received] = self._loop.create_future()
        self._on_end = on_end
        self._link = Link(ours, self._take, self._gone)
        self._link.send({"bounds": asdict(bounds), "family": family})
        self.up = False
        self.jobs = 0
        self.began = True

    def _take(self, received: Received) -> None:
        if received.message.get("began") and not self.began:
            self.began = True
            return
        if self._answer.done():
            # Nobody asked: a decoder that talks out of turn is not itself any more. Its end is noticed as a death.
            for descriptor in received.descriptors:
                os.close(descriptor)
            self._link.close()
            return
        self._answer.set_result(received)

    def _gone(self) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the decoder ended"))
        self._on_end(self)

    @property
    def idle(self) -> bool:
        """Whether the process is up and has nothing to do."""
        return self.up and self._answer.done()

    async def ready(self, seconds: float) -> dict[str, str]:
        """Wait for the process to be locked in; the layers of its sandbox. Raises ConnectionResetError when it ended
        instead, TimeoutError when it takes longer than `seconds`."""
        received = await asyncio.wait_for(self._answer, seconds)
        self.up = True
        layers: dict[str, str] = received.message["sandbox"]
        return layers

    async def run(self, job: dict[str, Any], descriptor: int, seconds: float) -> Received:
        """One job. Raises ConnectionResetError when the process ended, TimeoutError past the deadline."""
        if self._link.closed:
            raise ConnectionResetError("the decoder ended")
        self.jobs += 1
        self.began = False
        self._answer = self._loop.create_future()
        self._link.send(job, [descriptor])
        return await asyncio.wait_for(self._answer, seconds)

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        self._link.close()
        # What was waited for is over; nobody may be waiting.
        self._answer.cancel()
