"""All engines of this server: which of them takes a request, and whether the service is ready."""

from __future__ import annotations

from typing import Any

from ..errors import NotReady
from .client import EngineClient, WarmUp
from .protocol import EngineInfo
from .quarantine import Quarantine


class EnginePool:
    """One client for each configured device."""

    def __init__(self, devices: tuple[str, ...], start: dict[str, Any], warm_up: WarmUp, hang_seconds: float) -> None:
        quarantine = Quarantine()
        self.engines = [EngineClient(device, start, warm_up, quarantine, hang_seconds) for device in devices]

    def start(self) -> None:
        """Start all engines."""
        for engine in self.engines:
            engine.start()

    def stop(self) -> None:
        """End all engines."""
        for engine in self.engines:
            engine.stop()

    @property
    def ready(self) -> bool:
        """Whether some engine can answer now."""
        return any(engine.state == "ready" for engine in self.engines)

    @property
    def failed(self) -> bool:
        """Whether every engine has given up."""
        return all(engine.state == "failed" for engine in self.engines)

    @property
    def info(self) -> EngineInfo | None:
        """What the engines say about the model, once one has loaded it."""
        return next((engine.info for engine in self.engines if engine.info is not None), None)

    def why_not_ready(self) -> str:
        """The state of every engine as a sentence."""
        parts = [f"{e.device}: {e.state}" + (f" ({e.reason})" if e.reason else "") for e in self.engines]
        return "No engine is ready. " + "; ".join(parts) + "."

    def pick(self) -> EngineClient:
        """The engine for the next request: the least loaded that is ready, else one that is being started again.
        Raises NotReady while the model is loaded for the first time or when every engine has failed."""
        for states in (("ready",), ("restarting", "starting", "loading", "warming")):
            usable = [e for e in self.engines if e.state in states and e.info is not None]
            if usable:
                return min(usable, key=lambda engine: engine.load)
        if self.failed:
            raise NotReady(
                "The model could not be loaded; the operator finds the reason in the log.",
                "模型加载失败，请联系管理员查看日志。",
                60,
            )
        raise NotReady("The model is being loaded. Try again shortly.", "模型正在加载，请稍后重试。")
