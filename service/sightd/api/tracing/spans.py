"""A request as spans: one of the server's, in the caller's trace where there is one, and one in it for each stage.

Names are those of OpenTelemetry's conventions for HTTP servers and for generative models. Nothing that a client wrote
is in them but the id of the request, which has a form.
"""

from __future__ import annotations

import time

from opentelemetry.trace import SpanKind, StatusCode, Tracer, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.datastructures import Headers
from starlette.types import Scope

from ..record import NAMES, RequestRecord

METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
NANOSECONDS = 1_000_000_000


class RequestSpans:
    """The spans of a request, which begins now. Its record gets the trace's id."""

    def __init__(self, tracer: Tracer, record: RequestRecord, scope: Scope) -> None:
        self._tracer = tracer
        self._zero = time.time_ns() - int(time.monotonic() * NANOSECONDS)
        caller = TraceContextTextMapPropagator().extract(Headers(scope=scope))
        self._span = tracer.start_span(method(record), caller, SpanKind.SERVER, start_time=self._at(record.began))
        record.trace_id = format_trace_id(self._span.get_span_context().trace_id)

    def _at(self, moment: float) -> int:
        """A time of the monotonic clock as nanoseconds of Unix time."""
        return self._zero + int(moment * NANOSECONDS)

    def end(self, record: RequestRecord, scope: Scope) -> None:
        """The request is over, and its record complete."""
        if not self._span.is_recording():
            return
        self._span.update_name(f"{method(record)} {record.endpoint}".strip())
        self._span.set_attributes(of_server(record, scope) | of_model(record))
        if failed(record):
            self._span.set_status(StatusCode.ERROR)
        within = set_span_in_context(self._span)
        for stage in record.all_stages():
            self._tracer.start_span(stage.name, within, start_time=self._at(stage.began)).end(self._at(stage.ended))
        self._span.end()


def method(record: RequestRecord) -> str:
    """The method, or HTTP for one that is none of its own."""
    return record.method if record.method in METHODS else "HTTP"


def failed(record: RequestRecord) -> bool:
    """Whether the fault was the server's: a status that says so, or a stream that broke off."""
    return record.status >= 500 or (record.error is not None and record.status < 400)


def of_server(record: RequestRecord, scope: Scope) -> dict[str, AttributeValue]:
    """What an HTTP server's span says; `http.route` is the endpoint's pattern, never the path that was asked for."""
    known = {"http.route": record.endpoint, "http.response.status_code": record.status, "error.type": record.error}
    return {
        "http.request.method": record.method if record.method in METHODS else "_OTHER",
        "url.scheme": scope["scheme"],
        "sightd.request_id": record.request_id,
        **{name: value for name, value in known.items() if value},
    }


def of_model(record: RequestRecord) -> dict[str, AttributeValue]:
    """What a generative model's span says, under the names that the log line has; nothing when none was asked."""
    if record.model is None:
        return {}
    said: dict[str, AttributeValue] = {shown: getattr(record, name) for name, shown in NAMES.items()}
    said |= {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "sightd"}
    said |= {"sightd.pictures": record.pictures, "sightd.videos": record.videos}
    if record.finishes:
        said["gen_ai.response.finish_reasons"] = record.finishes
    if record.first_token is not None:
        said["gen_ai.response.time_to_first_chunk"] = record.first_token - record.began
    return said
