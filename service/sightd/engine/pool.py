"""All engines of this server: which of them takes a request, and whether the service is ready."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Any

from ..errors import NotReady
from .client import EngineClient, WarmUp
from .protocol import EngineInfo
from .quarantine import Quarantine

MOST_AHEAD = 4
"""Requests by which the engine that holds a prefix may be busier than the least loaded one."""
PREFIXES = 10_000
"""Prefixes whose engine is remembered."""


class EnginePool:
    """One client for each configured device."""

    def __init__(self, devices: tuple[str, ...], start: dict[str, Any], warm_up: WarmUp, hang_seconds: float) -> None:
        self._idle_watch: asyncio.Task[None] | None = None
        self._last_used = time.monotonic()
        self._on_demand = False
        self._holders: OrderedDict[bytes, EngineClient] = OrderedDict()
        quarantine = Quarantine()
        self.engines = [
            EngineClient(name, {"device": device, **start}, warm_up, quarantine, hang_seconds)
            for name, device in zip(names(devices), devices, strict=True)
        ]

    def start(self, load: bool, unload_seconds: float) -> None:
        """Start all engines, now or (unless `load`) when the first request comes; end them after `unload_seconds`
        without a request, where that is not 0."""
        self._on_demand = not load or unload_seconds > 0
        if load:
            self._load()
        if unload_seconds:
            self._idle_watch = asyncio.get_running_loop().create_task(self._unload_after(unload_seconds))

    def stop(self) -> None:
        """End all engines."""
        if self._idle_watch is not None:
            self._idle_watch.cancel()
        for engine in self.engines:
            engine.stop()

    def _load(self) -> None:
        for engine in self.engines:
            if engine.state == "unloaded":
                engine.start()

    async def _unload_after(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(min(1.0, seconds / 4))
            if any(engine.load for engine in self.engines):
                self._last_used = time.monotonic()
            elif time.monotonic() - self._last_used > seconds:
                for engine in self.engines:
                    if engine.state == "ready":
                        engine.unload()

    async def wake(self, prefix: bytes = b"") -> EngineClient:
        """What `pick` gives, after the model was loaded on demand. Raises NotReady."""
        self._last_used = time.monotonic()
        if self._on_demand:
            self._load()
            await self.engines[0].settled.wait()
        return self.pick(prefix)

    @property
    def ready(self) -> bool:
        """Whether a request would be answered: by an engine that is ready, or by one that it wakes."""
        return any(engine.state in ("ready", "unloaded") for engine in self.engines)

    @property
    def failed(self) -> bool:
        """Whether every engine has given up."""
        return all(engine.state == "failed" for engine in self.engines)

    @property
    def last_progress(self) -> float:
        """When the engine that is furthest behind got on (monotonic seconds); engines that have given up and those
        that wait for a first request hold nothing up."""
        working = [e.last_progress for e in self.engines if e.state not in ("failed", "unloaded", "stopped")]
        return min(working, default=time.monotonic())

    def set_log_level(self, level: str) -> None:
        """How much all engines log."""
        for engine in self.engines:
            engine.set_log_level(level)

    @property
    def info(self) -> EngineInfo | None:
        """What the engines say about the model, once one has loaded it."""
        return next((engine.info for engine in self.engines if engine.info is not None), None)

    def why_not_ready(self) -> str:
        """The state of every engine as a sentence."""
        parts = [f"{e.name}: {e.state}" + (f" ({e.detail})" if e.detail else "") for e in self.engines]
        return "No engine is ready. " + "; ".join(parts) + "."

    def pick(self, prefix: bytes = b"") -> EngineClient:
        """The engine for the next request: the least loaded that is ready, else one that is being started again; the
        one that had a request with the same `prefix`, unless it has much more to do. Raises NotReady while the model is
        loaded for the first time or when every engine has failed."""
        for states in (("ready",), ("restarting", "starting", "loading", "warming")):
            usable = [e for e in self.engines if e.state in states and e.info is not None]
            if usable:
                return self._holder(prefix, usable)
        if self.failed:
            raise NotReady(
                "The model could not be loaded; the operator finds the reason in the log.",
                "模型加载失败，请联系管理员查看日志。",
                60,
            )
        raise NotReady("The model is being loaded. Try again shortly.", "模型正在加载，请稍后重试。")

    def _holder(self, prefix: bytes, usable: list[EngineClient]) -> EngineClient:
        least = min(usable, key=lambda engine: engine.load)
        holder = self._holders.pop(prefix, least)
        chosen = holder if holder in usable and holder.load <= least.load + MOST_AHEAD else least
        if prefix:
            self._holders[prefix] = chosen
            while len(self._holders) > PREFIXES:
                self._holders.popitem(last=False)
        return chosen


def names(devices: tuple[str, ...]) -> list[str]:
    """What the devices' engines are called: as the device, with a number where several share one."""
    return [
        f"{device}#{devices[:place].count(device)}" if devices.count(device) > 1 else device
        for place, device in enumerate(devices)
    ]
