"""The outermost layer: gives every request an id, and when it is over counts it and writes its one log line."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import logs
from ..audit import AuditLog
from .health import PROBES
from .metrics.requests import RequestMetrics
from .record import RequestRecord

if TYPE_CHECKING:
    from .tracing.collector import Collector

ID_FORM = re.compile(r"[A-Za-z0-9._:-]{1,128}")
log = logs.get("sightd.request")


class RequestLog:
    """ASGI middleware. Accepts the client's X-Request-ID when it is well-formed and always returns one. Requests that
    are not probes go into the audit log, where one is kept, and become spans, where traces are sent."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: RequestMetrics,
        audit: AuditLog | None = None,
        collector: Collector | None = None,
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._audit = audit
        self._collector = collector

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = RequestRecord(request_id(Headers(scope=scope)), scope["method"], scope["path"])
        scope["record"] = record

        audit, collector = (None, None) if record.path in PROBES else (self._audit, self._collector)
        spans = collector.begin(record, scope) if collector else None
        body = hashlib.sha256()

        async def counted_receive() -> Message:
            message = await receive()
            record.bytes_in += len(message.get("body", b""))
            if audit:
                body.update(message.get("body", b""))
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
                if audit:
                    record.audit = audit.write(entry(record, scope, body.hexdigest()))
                write(record, scope)
                self._metrics.note(record)
                if spans:
                    spans.end(record, scope)


def request_id(headers: Headers) -> str:
    """The client's id, or a new one."""
    given = headers.get("x-request-id", "")
    return given if ID_FORM.fullmatch(given) else f"req-{uuid.uuid4().hex}"


AUDITED = ("request_id", "key", "status", "bytes_in", "bytes_out", "pictures", "tokens_in", "tokens_out", "error")


def entry(record: RequestRecord, scope: Scope, body: str) -> dict[str, object]:
    """What the audit log keeps of a request: who, which endpoint, sizes, and the hash of the body that was read."""
    kept = {name: value for name in AUDITED if (value := getattr(record, name)) is not None}
    client = scope.get("client") or ("",)
    return {"client": client[0], "endpoint": f"{record.method} {record.path}", "body_sha256": body, **kept}


def write(record: RequestRecord, scope: Scope) -> None:
    """The canonical log line, at debug level for probes."""
    route = scope.get("route")
    record.endpoint = getattr(route, "path", "")
    level = "debug" if record.path in PROBES else "error" if record.status >= 500 else "info"
    getattr(log, level)("request", **record.fields())
