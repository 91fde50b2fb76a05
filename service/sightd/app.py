"""The application: its endpoints, its layers, and the lifespan that makes and ends everything it uses."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from . import version
from .api import capabilities, console, docs, failures, health, minicpm_o, models, picture, tokens, video
from .api.admission import Admission
from .api.authentication import Authentication
from .api.bodylimit import BodyLimit
from .api.chat import endpoint as chat
from .api.drain import Drain
from .api.errordocs import ASKED, AnthropicError, NativeError, OpenAIError, PictureError, may_fail
from .api.messages import endpoint as messages
from .api.metrics import endpoint as metrics
from .api.metrics.requests import RequestMetrics
from .api.origins import Origins
from .api.requestlog import RequestLog
from .api.responses import endpoint as responses
from .api.services import Services
from .audit import AuditLog
from .auth.keyring import KeyRing
from .auth.keys import path_of
from .config import Settings
from .config.live import Live
from .ending import Ending
from .engine.client import WarmUp
from .engine.devices import resolve
from .engine.pool import EnginePool
from .engine.protocol import Frames, Sampling, Submission
from .host import Host
from .media.decoders import PictureDecoders, VideoDecoders
from .media.fetch.fetcher import Fetcher
from .media.kinds import VIDEO
from .models.defaults import defaults_of
from .models.families import PromptBuilder, prompt_builder
from .models.names import ServedNames, checkpoint_folder
from .models.prompt import Media
from .reload import Reloader
from .systemd import Reporter

if TYPE_CHECKING:
    from .api.tracing.collector import Collector

FAMILIES = (
    (picture, PictureError),
    (video, PictureError),
    (chat, OpenAIError),
    (responses, OpenAIError),
    (messages, AnthropicError),
    (minicpm_o, NativeError),
    (tokens, OpenAIError),
)
"""The endpoints that take requests, with the shape of their errors."""
WARM_UP_ID = 0
WARM_UP_TOKENS = 4
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own spans have paths and queries in them, and variables of the environment could have them sent."""


def create_app(settings: Settings, host: Host) -> FastAPI:
    """The application for these settings. Nothing is loaded or started before its lifespan begins."""
    live, counted = Live(settings), RequestMetrics()
    audit = AuditLog(settings.audit.path) if settings.audit.path else None
    collector = collector_at(settings.tracing.endpoint) if settings.tracing.endpoint else None
    app = FastAPI(
        title="sightd",
        version=version.VERSION,
        lifespan=lifespan(settings, live, counted, host, audit, collector),
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    for room, shape in FAMILIES:
        app.include_router(room.router, responses=may_fail(shape))
    for room in (models, capabilities):
        app.include_router(room.router, responses=may_fail(OpenAIError, ASKED))
    for room in (health, metrics):
        app.include_router(room.router)
    docs.install(app)
    console.install(app)
    failures.install(app)
    app.add_middleware(failures.Unexpected)
    app.add_middleware(BodyLimit, live=live, seconds=settings.server.body_seconds)
    app.add_middleware(Authentication)
    app.add_middleware(Origins, live=live)
    app.add_middleware(Drain, ending=host.ending)
    app.add_middleware(RequestLog, metrics=counted, audit=audit, collector=collector)
    return app


def collector_at(endpoint: str) -> Collector:
    """Where traces go. What sends them takes a while to import, and few need it."""
    from .api.tracing.collector import Collector

    return Collector(endpoint)


def lifespan(
    settings: Settings,
    live: Live,
    counted: RequestMetrics,
    host: Host,
    audit: AuditLog | None,
    collector: Collector | None,
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    """Starts the decoders and the engines, which load the model while the first requests are already answered."""

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        services = make_services(settings, live, host.ending)
        services.decoders.start()
        if services.video_plan is not None:
            services.videos.start()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, Reloader(services, host.read, audit).reload)
        model = settings.model
        services.engines.start(model.load == "start", 60 * model.unload_minutes)
        reporter = Reporter(host.notifier, services.engines, services.admission, host.ending)
        reporting = loop.create_task(reporter.run())
        try:
            yield {"services": services, "metrics": metrics.registry_of(services, counted)}
        finally:
            reporting.cancel()
            services.engines.stop()
            services.decoders.close()
            services.videos.close()
            services.reader.shutdown(wait=False, cancel_futures=True)
            await services.fetcher.close()
            await services.video_fetcher.close()
            if collector:
                await collector.close()

    return run


def make_services(settings: Settings, live: Live, ending: Ending) -> Services:
    """Everything the endpoints use, not started yet. Raises CheckpointError."""
    folder = checkpoint_folder(settings.model)
    prompts = prompt_builder(folder)
    limits = settings.limits
    return Services(
        settings=settings,
        live=live,
        engines=EnginePool(
            resolve(settings.engine.devices), engine_start(settings), warm_up(prompts), settings.engine.hang_seconds
        ),
        decoders=PictureDecoders(settings.media, limits.image_pixels, prompts.picture_plan.family),
        videos=VideoDecoders(settings.media, limits, prompts.picture_plan.family),
        fetcher=Fetcher(settings.media, limits.image_bytes),
        video_fetcher=Fetcher(settings.media, limits.video_bytes, kind=VIDEO),
        prompts=prompts,
        names=ServedNames(settings.model),
        defaults=defaults_of(folder, settings.sampling),
        admission=Admission(limits.concurrency, limits.queue),
        keys=KeyRing(path_of(settings.auth.keys_file), settings.auth.mode == "keys"),
        ending=ending,
        reader=ThreadPoolExecutor(1, "long-texts"),
        started=int(time.time()),
    )


def engine_start(settings: Settings) -> dict[str, Any]:
    """What an engine process is told at its start, but for its device."""
    engine = settings.engine
    return {
        "folder": str(checkpoint_folder(settings.model)),
        "dtype": settings.model.dtype,
        "quantization": settings.model.quantization,
        "max_sequences": engine.max_sequences,
        "max_batch_tokens": engine.max_batch_tokens,
        "max_model_len": engine.max_model_len,
        "cache_tokens": engine.cache_tokens,
        "encoder_cache_bytes": engine.encoder_cache_mib * 1024 * 1024,
        "memory_utilization": engine.memory_utilization,
        "threads": engine.threads,
        "cuda_graphs": engine.cuda_graphs,
        "logging": settings.logging.model_dump(),
    }


def warm_up(prompts: PromptBuilder) -> WarmUp:
    """A question about a grey picture, which passes through all that a real request does."""
    height, width = prompts.picture_plan.sample
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
    prompt = prompts.build(messages, [Media("image", height, width)])
    frames = Frames(b"warm-up", 1, height, width)
    request = Submission(
        WARM_UP_ID,
        prompt.token_ids,
        Sampling(WARM_UP_TOKENS),
        prompt.spans,
        [frames],
        conversation=prompt.conversation,
    )
    return WarmUp(request, [bytes([127]) * (height * width * 3)])
