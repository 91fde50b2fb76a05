"""Work that ends when its client goes away or its time is up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .. import logs
from ..errors import BadRequest, ClientGone, Internal, SightdError, TimedOut
from .record import record_of
from .services import services_of

T = TypeVar("T")

ErrorEvent = Callable[[SightdError], bytes]
COMMENT = b": still working\n\n"

log = logs.get(__name__)


def event(payload: dict[str, Any], kind: str | None = None) -> bytes:
    """One server-sent event, named when it has a kind."""
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    name = "" if kind is None else f"event: {kind}\n"
    return f"{name}data: {data}\n\n".encode("utf-8", "replace")


def time_limit(request: Request, most: float) -> float:
    """Seconds this request may take: the X-Request-Timeout header, at most `most`. Raises BadRequest for no number."""
    given = request.headers.get("x-request-timeout")
    if given is None:
        return most
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", given) or float(given) <= 0:
        raise BadRequest(
            "X-Request-Timeout must be a positive number of seconds.",
            "X-Request-Timeout 必须是正数（秒）。",
            param="X-Request-Timeout",
        )
    return min(float(given), most)


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_connected(request: Request, work: Coroutine[Any, Any, T], seconds: float) -> T:
    """The result of `work`. Raises ClientGone when the client goes away first, TimedOut when the time is up."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(disconnected(request.receive))
    try:
        await asyncio.wait({task, watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone if watch.done() else TimedOut(seconds)
    finally:
        watch.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


class EventStream(Response):
    """Server-sent events from an iterator of `data` payloads. `held` is closed when the response is over, however it
    ends; an error after the start is sent as one last event made by `on_error`."""

    media_type = "text/event-stream"

    def __init__(
        self,
        request: Request,
        events: AsyncGenerator[bytes, None],
        held: AsyncExitStack,
        seconds: float,
        on_error: ErrorEvent,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._request = request
        self._events = events
        self._held = held
        self._seconds = seconds
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end, the client goes away, or the time is up."""
        record = record_of(self._request)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await while_connected(self._request, self._send_all(send), self._seconds)
            await send({"type": "http.response.body", "body": b""})
        except ClientGone as error:
            record.status, record.error = error.status, error.code
        except SightdError as error:
            record.error, record.reason = error.code, error.message
            await send({"type": "http.response.body", "body": self._on_error(error)})
        except Exception as error:
            log.error("unexpected failure in a stream", exc_info=error)
            record.error = Internal.code
            await send({"type": "http.response.body", "body": self._on_error(Internal())})
        finally:
            await self._held.aclose()

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._events), aclosing(self._with_comments()) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _with_comments(self) -> AsyncGenerator[bytes, None]:
        """The events, and a comment whenever none has come for a while."""
        seconds = services_of(self._request).settings.server.stream_comment_seconds
        task: asyncio.Future[bytes | None] | None = None
        try:
            while True:
                task = task or asyncio.ensure_future(anext(self._events, None))
                if not (await asyncio.wait({task}, timeout=seconds))[0]:
                    yield COMMENT
                    continue
                event, task = task.result(), None
                if event is None:
                    return
                yield event
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
