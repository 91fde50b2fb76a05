"""The outermost layer: gives every request an id, and when it is over counts it and writes its one log line."""

from __future__ import annotations

import re
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import logs
from .metrics.requests import RequestMetrics
from .record import RequestRecord

ID_FORM = re.compile(r"[A-Za-z0-9._:-]{1,128}")
QUIET_ENDPOINTS = ("/livez", "/readyz", "/health", "/metrics")
"""Probes ask every few seconds; their lines are logged at debug level."""

log = logs.get("sightd.request")


class RequestLog:
    """ASGI middleware. Accepts the client's X-Request-ID when it is well-formed and always returns one."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = RequestRecord(request_id(Headers(scope=scope)), scope["method"], scope["path"])
        scope["record"] = record

        async def counted_receive() -> Message:
            message = await receive()
            record.bytes_in += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = record.status or message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = record.request_id
            record.bytes_out += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=record.request_id):
            try:
                await self.app(scope, counted_receive, counted_send)
            finally:
                write(record, scope)
                self._metrics.note(record)


def request_id(headers: Headers) -> str:
    """The client's id, or a new one."""
    given = headers.get("x-request-id", "")
    return given if ID_FORM.fullmatch(given) else f"req-{uuid.uuid4().hex}"


def write(record: RequestRecord, scope: Scope) -> None:
    """The canonical log line."""
    route = scope.get("route")
    record.endpoint = getattr(route, "path", "")
    level = "debug" if record.path in QUIET_ENDPOINTS else "error" if record.status >= 500 else "info"
    getattr(log, level)("request", **record.fields())
