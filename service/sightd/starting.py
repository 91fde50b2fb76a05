"""What the worker serves first: it says that it is alive while the application is still being imported."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, NoReturn

from gunicorn.arbiter import Arbiter
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import logs

log = logs.get(__name__)


class Starting:
    """ASGI application that hands everything to the one that `make` gives. That one is made in a thread; until its
    lifespan has begun, /livez is answered here and other requests wait."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._state: dict[str, Any] = {}
        self._begun = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or live through the application's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if not self._begun.is_set() and scope.get("path") == "/livez":
            await JSONResponse({"status": "alive"})(scope, receive, send)
            return
        await self._begun.wait()
        assert self._app is not None
        scope["state"] = dict(self._state)
        await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        waiting = [await receive()]
        await send({"type": "lifespan.startup.complete"})
        try:
            self._app = await asyncio.to_thread(self._make)
        except Exception as error:  # noqa: BLE001 - logged, and the process ends
            give_up(repr(error))

        async def received() -> Message:
            return waiting.pop() if waiting else await receive()

        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._state = scope["state"]
                self._begun.set()
            elif message["type"] == "lifespan.startup.failed":
                give_up(message.get("message", ""))
            else:
                await send(message)

        await self._app(scope, received, sent)


def give_up(reason: str) -> NoReturn:
    """End the worker in the way that ends gunicorn's arbiter, too: starting it again would fail again."""
    log.error("the application did not start", reason=reason)
    os._exit(Arbiter.WORKER_BOOT_ERROR)
