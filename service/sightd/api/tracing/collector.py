"""Spans on their way to a collector, by OTLP over HTTP. Imported only where the configuration names a collector.

Spans that are over wait in a bounded queue (2048, or what OTEL_BSP_MAX_QUEUE_SIZE says) for a thread that sends them in
batches. What the collector does not take is lost; requests never wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from threading import Thread

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from starlette.types import Scope

from ... import logs, version
from ..record import RequestRecord
from .spans import RequestSpans

SEND_SECONDS = 3.0
"""How long one batch may take, with all attempts."""
FLUSH_SECONDS = 1.0
"""How long the end waits for what is left; gunicorn gives a worker five seconds beyond its requests' time."""
QUIET_SECONDS = 600.0

log = logs.get(__name__)


class Complaints(logging.Handler):
    """Passes on one of the library's complaints in ten minutes: while a collector is away there is one for each
    batch."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Log a complaint, unless there was one lately."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("traces do not reach the collector of tracing.endpoint", reason=record.getMessage())


class Collector:
    """Where the spans of an application go. Its callers decide whether a trace is recorded; one that begins here is."""

    def __init__(self, endpoint: str) -> None:
        library, complaints = logging.getLogger("opentelemetry"), Complaints()
        # What the library says of clients' headers is not for the log.
        library.propagate = False
        library.addHandler(logging.NullHandler())
        for room in ("exporter", "sdk"):
            library.getChild(room).addHandler(complaints)
        self._provider = TracerProvider(
            ParentBased(ALWAYS_ON),
            Resource.create({SERVICE_NAME: "sightd", SERVICE_VERSION: version.VERSION}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter(endpoint)))
        self._tracer = self._provider.get_tracer("sightd", version.VERSION)

    def begin(self, record: RequestRecord, scope: Scope) -> RequestSpans:
        """The spans of a request that begins now."""
        return RequestSpans(self._tracer, record, scope)

    async def close(self) -> None:
        """Send what is left, as far as the time allows."""
        ending = Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, FLUSH_SECONDS)


def exporter(endpoint: str) -> OTLPSpanExporter:
    """What sends to the collector itself, past the proxies that the environment may name."""
    session = requests.Session()
    session.trust_env = False
    return OTLPSpanExporter(endpoint, session=session, timeout=SEND_SECONDS, compression=Compression.Gzip)
