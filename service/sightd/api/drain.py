"""The layer that refuses requests while the service ends, and counts those that are under way."""

from __future__ import annotations

import math
import time

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..ending import Ending
from ..errors import Stopping
from .failures import respond
from .health import PROBES


class Drain:
    """ASGI middleware. Refused requests are told to close their connection; probes are answered to the end."""

    def __init__(self, app: ASGIApp, ending: Ending) -> None:
        self.app = app
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        if self._ending.began is not None and not self._ending.handed_over:
            await respond(Request(scope), Stopping(self._retry_after()))(scope, receive, closing(send))
            return
        self._ending.under_way += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._ending.under_way -= 1

    def _retry_after(self) -> int:
        """Seconds until another process should be there: what may be left of this one's time."""
        assert self._ending.began is not None
        return max(1, math.ceil(self._ending.drain_seconds - (time.monotonic() - self._ending.began)))


def closing(send: Send) -> Send:
    """The same with a header that ends the connection."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return sent
