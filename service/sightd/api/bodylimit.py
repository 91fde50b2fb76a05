"""Refuses bodies over the limits, at once when the length is declared, otherwise while they are being read; and bodies
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


MOST_VALUES, MOST_NESTED = 1_000_000, 50_000
"""Values in a JSON body, and objects and lists among them: what takes the event loop a moment to read, not seconds."""

LONGEST_PLAIN_FORM = 64 * 1024
"""Bytes of a form without parts. It has no files, so that it is never a request; to take it apart is slow."""


class Contents:
    """What a body has brought so far. Its commas and brackets tell how long reading it as JSON would take at most;
    those in texts count too."""

    def __init__(self, limit: int, is_json: bool) -> None:
        self._limit = limit
        self._is_json = is_json
        self._taken = self._values = self._nested = 0

    def add(self, piece: bytes) -> None:
        """Some more of the body. Raises TooLarge or BadRequest when it is over a limit."""
        self._taken += len(piece)
        if self._taken > self._limit:
            raise too_large(self._limit)
        if self._is_json:
            self._values += piece.count(b",")
            self._nested += piece.count(b"{") + piece.count(b"[")
        if self._values > MOST_VALUES or self._nested > MOST_NESTED:
            raise BadRequest(
                f"The request body has more than {MOST_VALUES} values, or {MOST_NESTED} objects and lists.",
                f"请求体中的值超过 {MOST_VALUES} 个，或对象和列表超过 {MOST_NESTED} 个。",
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
        headers = Headers(scope=scope)
        declared, limit = headers.get("content-length", "0"), self._live.now.limits.request_bytes
        kind = headers.get("content-type", "").lower()
        if "urlencoded" in kind:
            limit = min(limit, LONGEST_PLAIN_FORM)
        contents = Contents(limit, "json" in kind)
        deadline: float | None = asyncio.get_running_loop().time() + self._seconds

        async def limited() -> Message:
            nonlocal deadline
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
            contents.add(message.get("body", b""))
            return message

        await self.app(scope, limited, send)
