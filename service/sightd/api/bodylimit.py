"""Refuses bodies over the limit: at once when the length is declared, otherwise while they are being read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..config.live import Live
from ..errors import BadRequest, TooLarge


def too_large(limit: int) -> TooLarge:
    """The error for a body of more than `limit` bytes."""
    return TooLarge(
        f"The request body is larger than the limit of {limit} bytes.", f"请求体超过了 {limit} 字节的限制。"
    )


class BodyLimit:
    """ASGI middleware. Errors raised from `receive` reach the endpoint and become its family's 413."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self.app = app
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        limit, taken = self._live.now.limits.request_bytes, 0

        async def limited() -> Message:
            nonlocal taken
            if not declared.isdigit():
                raise BadRequest("Content-Length is not a number.", "Content-Length 不是数字。")
            if int(declared) > limit:
                raise too_large(limit)
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise too_large(limit)
            return message

        await self.app(scope, limited, send)
