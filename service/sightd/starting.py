"""What the worker serves first: it says that it is alive while the application is still being imported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import logs
from .ending import Ending

log = logs.get(__name__)


class Starting:
    """ASGI application that hands everything to the one that `make` gives. That one is made in a thread; until its
    lifespan has begun, /livez is answered here and other requests wait."""

    def __init__(self, make: Callable[[], ASGIApp], ending: Ending) -> None:
        self._make = make
        self._ending = ending
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
        except Exception as error:  # noqa: BLE001 - logged, and the service ends
            await self._give_up(repr(error), receive)
            return

        async def received() -> Message:
            return waiting.pop() if waiting else await receive()

        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._state = scope["state"]
                self._begun.set()
            elif message["type"] == "lifespan.startup.failed":
                await self._give_up(message.get("message", ""), receive)
            else:
                await send(message)

        await self._app(scope, received, sent)

    async def _give_up(self, reason: str, receive: Receive) -> None:
        """End the service: starting the worker again would fail again."""
        log.error("the application did not start", reason=reason)
        self._ending.begin(reason)
        await receive()
