"""Liveness, readiness and health. They say the truth about the engines, not that a port is open."""

from __future__ import annotations

import time
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from .. import version
from ..engine.protocol import EngineCounts, EngineInfo
from ..media.pool import DecoderState
from .services import Served, Services

router = APIRouter(tags=["health"])

PROBES = ("/livez", "/readyz", "/health", "/metrics")
"""What load balancers and Prometheus ask every few seconds."""


class Live(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Whether a request would be answered now, and if not, why."""

    status: Literal["ready", "not ready"]
    reason: str | None = None


class EngineHealth(BaseModel):
    """One engine. `detail` says how far it is loaded, or why it is not ready; `info` is there once it was loaded."""

    device: str
    state: str
    detail: str
    requests: int
    deaths: int
    counts: EngineCounts
    info: EngineInfo | None


class Health(BaseModel):
    """The whole service."""

    status: Literal["ok", "unavailable"]
    version: str
    model: str
    running: int
    waiting: int
    uptime_seconds: int
    engines: list[EngineHealth]
    decoders: DecoderState
    video_decoders: DecoderState


@router.get("/livez")
async def livez() -> Live:
    """200 as soon as the process answers, whatever the model does."""
    return Live()


NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": Ready, "description": "No engine is ready."}}


@router.get("/readyz", responses=NOT_READY)
async def readyz(response: Response, services: Served) -> Ready:
    """200 once an engine has answered its warm-up request; 503 with the reason until then, while none can, and when the
    service ends."""
    if services.engines.ready and services.ending.began is None:
        return Ready(status="ready")
    response.status_code = 503
    response.headers["Retry-After"] = "5"
    stopping = services.ending.began is not None
    reason = "The service is being stopped." if stopping else services.engines.why_not_ready()
    return Ready(status="not ready", reason=reason)


@router.get("/health", responses={503: {"model": Health, "description": "No engine is ready."}})
async def health(response: Response, services: Served) -> Health:
    """The state of every part; 503 when no engine is ready or the service ends."""
    ready = services.engines.ready and services.ending.began is None
    response.status_code = 200 if ready else 503
    return Health(
        status="ok" if ready else "unavailable",
        version=version.VERSION,
        model=services.names.primary,
        running=services.admission.running,
        waiting=services.admission.waiting,
        uptime_seconds=int(time.monotonic() - services.began),
        engines=engines(services),
        decoders=services.decoders.state,
        video_decoders=services.videos.state,
    )


def engines(services: Services) -> list[EngineHealth]:
    """The state of every engine."""
    return [
        EngineHealth(
            device=e.name,
            state=e.state,
            detail=e.detail,
            requests=e.load,
            deaths=e.deaths,
            counts=e.counts,
            info=e.info,
        )
        for e in services.engines.engines
    ]
