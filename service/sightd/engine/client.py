"""The front's side of one engine: starts the process, submits requests, follows its state, revives it when it dies.

A request that is under way when the engine dies is submitted again with the tokens it has; its reader sees a pause.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any, Literal

from .. import logs
from ..errors import Internal, SightdError
from ..processes.channel import Received, memory_file, pair
from ..processes.child import spawn
from ..processes.link import Link, close_all
from .pending import Pending, PendingRequests
from .protocol import EngineCounts, EngineInfo, Progress, Submission
from .quarantine import Quarantine
from .refusals import refusal
from .signs import Signs

log = logs.get(__name__)

State = Literal["unloaded", "starting", "loading", "warming", "ready", "restarting", "failed", "stopped"]

LIBRARY_SETTINGS = {
    # Products that oneDNN keeps ready, each for one shape and 270 KiB large: by itself 1024, which prompts and pictures
    # of ever new sizes fill in some thousand requests. Torch keeps descriptions of them, as large, that save nothing.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
    "LRU_CACHE_CAPACITY": "16",
    # NumPy would start threads as it is imported, before the engine is confined; torch's own come later.
    "OPENBLAS_NUM_THREADS": "1",
}
"""What the engine's libraries read from its environment."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a dead engine is started again: doubled with each death in a row."""
MOST_DEATHS = 6
"""Deaths in a row, with no answer finished between them, after which an engine stays down."""
KILLED = " (killed; `journalctl -k` says whether memory ran out)"
WATCH_SECONDS = 0.5
"""How often the last sign of life is looked at."""


@dataclass(frozen=True)
class WarmUp:
    """The request that proves a fresh engine: an engine is ready when it has answered it."""

    request: Submission
    pixels: list[bytes]


class EngineClient:
    """One engine process and the requests it works on."""

    def __init__(
        self, name: str, start: dict[str, Any], warm_up: WarmUp, quarantine: Quarantine, hang_seconds: float
    ) -> None:
        self.name = name
        self._quarantine = quarantine
        self._hang_seconds = hang_seconds
        self._encoding: list[bytes] = []
        self._watch: asyncio.Task[None] | None = None
        self.state: State = "unloaded"
        self.reason = ""
        self.info: EngineInfo | None = None
        self.counts = EngineCounts()
        self.loaded = 0.0
        """The share of the weights that is loaded."""
        self.deaths = 0
        self.restarts = 0
        self.signs = Signs()
        self.settled = asyncio.Event()
        """Set once the model's size is known, or the engine has given up."""
        self._start_message = {"type": "start", **start}
        self._warm_up = warm_up
        self._pending = PendingRequests()
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Link | None = None
        self._revival: asyncio.Task[None] | None = None

    @property
    def load(self) -> int:
        """Requests under way."""
        return len(self._pending)

    @property
    def detail(self) -> str:
        """What there is to say beside the state."""
        return f"{self.loaded:.0%} of the weights" if self.state == "loading" else self.reason

    @property
    def last_progress(self) -> float:
        """When it last got on with its work (monotonic seconds); without work, when it last gave a sign of life."""
        return self.signs.last if self.state == "ready" and not self._pending else self.signs.step

    @property
    def process_id(self) -> int | None:
        """The engine's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; `state` follows it."""
        ours, theirs = pair()
        self._process = spawn("sightd.engine.process", theirs, LIBRARY_SETTINGS)
        self._link = Link(ours, self._take, self._gone)
        self._link.send(self._start_message)
        self._enter("starting")
        self._encoding = []
        self._watch = asyncio.get_running_loop().create_task(self._look_after(self._process))
        log.info("engine started", device=self.name, pid=self._process.pid)

    def set_log_level(self, level: str) -> None:
        """How much the process logs, from now on and when it is started again."""
        self._start_message["logging"] = self._start_message["logging"] | {"level": level}
        if self._link is not None:
            self._link.send({"type": "log_level", "level": level})

    def unload(self) -> None:
        """End the process until the engine is needed again."""
        self.stop("unloaded")
        log.info("engine unloaded", device=self.name)

    def stop(self, state: State = "stopped") -> None:
        """End the process."""
        self._enter(state)
        for task in (self._revival, self._watch):
            if task is not None:
                task.cancel()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._link is not None:
            self._link.close()

    async def generate(self, request: Submission, descriptors: list[int]) -> AsyncGenerator[Progress, None]:
        """Submit a request with its media's memory files, and give what it brings until it ends. Leaving the iteration
        early aborts the request. Raises Unprocessable for a medium or a request that engines die of, BadRequest
        for a grammar that does not compile or a conversation that cannot be read, Internal when the engine gave up or
        the network failed. The descriptors stay the caller's."""
        self._quarantine.check(request)
        pending = Pending(request, [os.dup(d) for d in descriptors])
        if not self._pending:
            self.signs.got_on()
        self._pending.add(pending)
        try:
            self._submit_due()
            while True:
                progress = await pending.progress.get()
                if isinstance(progress, SightdError):
                    raise progress
                if progress.finish in ("refused", "unreadable", "failed", "impossible"):
                    raise refusal(progress)
                yield progress
                if progress.finish is not None:
                    return
        finally:
            self._forget(pending)

    def _submit_due(self) -> None:
        if self._link is None or self.state not in ("warming", "ready"):
            return
        for pending in self._pending.due(proven=self.state == "ready"):
            media = [replace(m, alone=self._quarantine.suspects(m.digest)) for m in pending.request.media]
            request = replace(pending.request, produced=pending.produced, media=media)
            self._link.send(request.packed(), pending.descriptors)
            pending.submitted = True

    def _forget(self, pending: Pending) -> None:
        if self._pending.remove(pending.request.id) is None:
            return
        close_all(pending.descriptors)
        if self._link is not None:
            self._link.send({"type": "abort", "id": pending.request.id})
        self._submit_due()

    def _take(self, received: Received) -> None:
        self.signs.came()
        message = received.message
        match message["type"]:
            case "tokens":
                self.signs.got_on()
                for entry in message["progress"]:
                    self._deliver(Progress(**entry))
            case "encoding":
                self.signs.got_on()
                self._note_encoding(message["digests"])
            case "counts":
                self.counts = EngineCounts(**message["counts"])
                self.signs.told("steps", message["steps"])
            case "loading":
                self.loaded = message["share"]
                self.signs.told("share", self.loaded)
                self._enter("loading")
            case "ready":
                self.info = EngineInfo(**message["info"] | {"eos_token_ids": tuple(message["info"]["eos_token_ids"])})
                self.settled.set()
                self._enter("warming")
                self._begin_warm_up()
            case "failed":
                self._give_up(message["reason"])

    def _note_encoding(self, digests: list[bytes]) -> None:
        if not digests:
            self._quarantine.absolve(self._encoding)
        self._encoding = digests

    def _deliver(self, progress: Progress) -> None:
        if progress.id == self._warm_up.request.id:
            self._warmed(progress)
        elif pending := self._pending.get(progress.id):
            tried = pending.suspected
            pending.got_on(progress.tokens)
            if progress.finish is not None:
                # It is over in the engine: nothing to abort, nothing to submit again.
                if progress.finish in ("stop", "length"):
                    self.deaths = 0
                self._pending.remove(progress.id)
                close_all(pending.descriptors)
            pending.progress.put_nowait(progress)
            if tried:
                self._submit_due()

    def _begin_warm_up(self) -> None:
        assert self._link is not None
        self._submit_due()
        descriptors = [memory_file(pixels, "sightd-warm-up") for pixels in self._warm_up.pixels]
        self._link.send(self._warm_up.request.packed(), descriptors)
        close_all(descriptors)

    def _warmed(self, progress: Progress) -> None:
        if progress.finish in ("unreadable", "failed"):
            self._give_up(f"the model does not answer a first question: {progress.refused or 'the log says why'}")
            assert self._process is not None
            self._process.kill()
        elif progress.finish is not None and self.state == "warming":
            self.reason = ""
            self._enter("ready")
            self._submit_due()
            log.info("engine ready", device=self.name)

    def _gone(self) -> None:
        if self.state in ("unloaded", "stopped", "failed"):
            return
        status = self._process.wait() if self._process else None
        self.deaths += 1
        self._quarantine.blame(self._encoding)
        if guilty := self._pending.died():
            self._quarantine.condemn(guilty.request)
        self._refuse_guilty()
        reason = f"the engine ended with status {status}{KILLED if status == -signal.SIGKILL else ''}"
        if self.deaths >= MOST_DEATHS:
            self._give_up(f"{reason}, {self.deaths} times in a row")
            return
        self.reason = reason
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self.deaths - 1))
        log.error("engine died", device=self.name, status=status, deaths=self.deaths, restart_in_seconds=pause)
        self._enter("restarting")
        self._revival = asyncio.get_running_loop().create_task(self._revive(pause))

    def _refuse_guilty(self) -> None:
        for pending in self._pending:
            try:
                self._quarantine.check(pending.request)
            except SightdError as error:
                pending.progress.put_nowait(error)

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        self.settled.set()
        self._enter("failed")
        log.error("engine stays down", device=self.name, reason=reason)
        for pending in self._pending:
            pending.progress.put_nowait(Internal("the engine stays down after repeated failures", "模型引擎多次故障"))

    async def _look_after(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the engine when it neither works nor beats: it is stopped, or stuck in the device."""
        while process.poll() is None:
            await asyncio.sleep(WATCH_SECONDS)
            silent = time.monotonic() - self.signs.last
            if self.state in ("warming", "ready") and silent > self._hang_seconds:
                log.error("engine hangs", device=self.name, silent_seconds=round(silent, 1))
                process.kill()
                return

    async def _revive(self, pause: float) -> None:
        await asyncio.sleep(pause)
        self.restarts += 1
        self.start()

    def _enter(self, state: State) -> None:
        self.signs.told("state", state)
        self.state = state
