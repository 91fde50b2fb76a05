"""The application: its endpoints, its layers, and the lifespan that makes and ends everything it uses."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from . import version
from .api import capabilities, docs, failures, health, minicpm_o, models, picture, tokens
from .api.admission import Admission
from .api.authentication import Authentication
from .api.bodylimit import BodyLimit
from .api.chat import endpoint as chat
from .api.errordocs import ASKED, AnthropicError, NativeError, OpenAIError, PictureError, may_fail
from .api.messages import endpoint as messages
from .api.origins import cors
from .api.requestlog import RequestLog
from .api.responses import endpoint as responses
from .api.services import Services
from .auth.keyring import KeyRing
from .auth.keys import path_of
from .config import Settings
from .engine.client import WarmUp
from .engine.devices import resolve
from .engine.pool import EnginePool
from .engine.protocol import Frames, Sampling, Submission
from .media.fetch.fetcher import Fetcher
from .media.pool import DecoderPool
from .models.defaults import read_defaults
from .models.families import PromptBuilder, prompt_builder
from .models.names import ServedNames, checkpoint_folder
from .models.prompt import Media

FAMILIES = (
    (picture, PictureError),
    (chat, OpenAIError),
    (responses, OpenAIError),
    (messages, AnthropicError),
    (minicpm_o, NativeError),
    (tokens, OpenAIError),
)
"""The endpoints that take requests, with the shape of their errors."""
WARM_UP_ID = 0
WARM_UP_TOKENS = 4


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings. Nothing is loaded or started before its lifespan begins."""
    app = FastAPI(title="sightd", version=version.VERSION, lifespan=lifespan(settings), docs_url=None, redoc_url=None)
    for room, shape in FAMILIES:
        app.include_router(room.router, responses=may_fail(shape))
    for room in (models, capabilities):
        app.include_router(room.router, responses=may_fail(OpenAIError, ASKED))
    app.include_router(health.router)
    docs.install(app)
    failures.install(app)
    app.add_middleware(BodyLimit, limit=settings.limits.request_bytes)
    app.add_middleware(Authentication)
    app.add_middleware(cors, settings=settings.cors)
    app.add_middleware(RequestLog)
    return app


def lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    """Starts the decoders and the engines, which load the model while the first requests are already answered."""

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        services = make_services(settings)
        services.decoders.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, services.keys.reload)
        model = settings.model
        services.engines.start(model.load == "start", 60 * model.unload_minutes)
        try:
            yield {"services": services}
        finally:
            services.engines.stop()
            services.decoders.close()
            await services.fetcher.close()

    return run


def make_services(settings: Settings) -> Services:
    """Everything the endpoints use, not started yet. Raises CheckpointError."""
    folder = checkpoint_folder(settings.model)
    prompts = prompt_builder(folder)
    limits = settings.limits
    return Services(
        settings=settings,
        engines=EnginePool(
            resolve(settings.engine.devices), engine_start(settings), warm_up(prompts), settings.engine.hang_seconds
        ),
        decoders=DecoderPool(settings.media, limits.image_pixels, prompts.picture_plan.family),
        fetcher=Fetcher(settings.media, limits.image_bytes),
        prompts=prompts,
        names=ServedNames(settings.model),
        defaults=read_defaults(folder),
        admission=Admission(limits.concurrency, limits.queue),
        keys=KeyRing(path_of(settings.auth.keys_file), settings.auth.mode == "keys"),
        started=int(time.time()),
    )


def engine_start(settings: Settings) -> dict[str, Any]:
    """What an engine process is told at its start, but for its device."""
    engine = settings.engine
    return {
        "folder": str(checkpoint_folder(settings.model)),
        "dtype": settings.model.dtype,
        "max_sequences": engine.max_sequences,
        "max_batch_tokens": engine.max_batch_tokens,
        "max_model_len": engine.max_model_len,
        "cache_tokens": engine.cache_tokens,
        "encoder_cache_bytes": engine.encoder_cache_mib * 1024 * 1024,
        "memory_utilization": engine.memory_utilization,
        "threads": engine.threads,
        "logging": settings.logging.model_dump(),
    }


def warm_up(prompts: PromptBuilder) -> WarmUp:
    """A question about a grey picture, which passes through all that a real request does."""
    height, width = prompts.picture_plan.sample
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
    prompt = prompts.build(messages, [Media("image", height, width)])
    frames = Frames(b"warm-up", 1, height, width)
    request = Submission(WARM_UP_ID, prompt.token_ids, Sampling(WARM_UP_TOKENS), prompt.spans, [frames])
    return WarmUp(request, [bytes([127]) * (height * width * 3)])
