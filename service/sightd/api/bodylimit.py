"""Refuses bodies over the limit, at once when the length is declared, otherwise while they are being read; and bodies
that come too slowly."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config.live import Live
from ..errors import BadRequest, TooLarge, TooSlow


def too_large(limit: int) -> TooLarge:
    """The error for a body of more than `limit` bytes."""
    return TooLarge(
        f"The request body is larger than the limit of {limit} bytes.", f"请求体超过了 {limit} 字节的限制。"
    )


class BodyLimit:
    """ASGI middleware. Errors raised from `receive` reach the endpoint and become its family's 413 or 408."""

    def __init__(self, app: ASGIApp, live: Live, seconds: float) -> None:
        self.app = app
        self._live = live
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        limit, taken = self._live.now.limits.request_bytes, 0
        deadline: float | None = asyncio.get_running_loop().time() + self._seconds

        async def limited() -> Message:
            nonlocal taken, deadline
            if not declared.isdigit():
                raise BadRequest("Content-Length is not a number.", "Content-Length 不是数字。")
            if int(declared) > limit:
                raise too_large(limit)
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise TooSlow(self._seconds) from None
            # After the body only the client's going away is waited for, and that may take as long as it likes.
            deadline = deadline if message.get("more_body") else None
            taken += len(message.get("body", b""))
            if taken > limit:
                raise too_large(limit)
            return message

        await self.app(scope, limited, send)
