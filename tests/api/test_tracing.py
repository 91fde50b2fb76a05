"""Traces: the spans that a collector gets, and that nobody waits for it."""

from __future__ import annotations

import gzip
import signal
import socket
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from sightd.version import VERSION

from ..conftest import StartServer
from ..pictures import data_uri, encoded, shape
from ..server import Server, free_port
from ..waiting import until

CALLER, UNRECORDED = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), ("1" * 32, "2" * 16)
SECRETS = (b"a secret question", b"a secret query", b"a secret path", b"Bearer")


class Collector(ThreadingHTTPServer):
    """An OpenTelemetry collector that keeps what it gets."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def sent(self) -> Iterator[tuple[dict[str, Any], Span]]:
        """The spans so far, each with the attributes of what it is from."""
        for body in self.bodies:
            for source in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in source.scope_spans:
                    yield from ((values(source.resource), span) for span in scope.spans)

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace, by their beginnings."""
        found = (span for _, span in self.sent() if span.trace_id.hex() == trace_id)
        return sorted(found, key=lambda span: span.start_time_unix_nano)


class Handler(BaseHTTPRequestHandler):
    """Takes traces where OTLP over HTTP has them."""

    server: Collector

    def do_POST(self) -> None:
        """Keep the body."""
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
        if known:
            self.server.bodies.append(body)
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    with Collector() as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def values(part: Any) -> dict[str, Any]:
    """The attributes of a span or of a resource."""
    known = {pair.key: pair.value for pair in part.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in known.items()}


def test_a_request_is_a_span_of_its_callers_trace(start_server: StartServer, collector: Collector) -> None:
    """A collector gets one span of the server's for a request, in the trace that the caller named, with its stages as
    children, all of them by the end of the service; nothing that the caller wrote, no probes, and nothing of a trace
    that the caller does not record. Proxies of the environment are not used."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    server = start_server(
        environment={
            "SIGHTD_TRACING__ENDPOINT": f"http://127.0.0.1:{collector.server_port}/v1/traces",
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "HTTP_PROXY": nowhere,
            "http_proxy": nowhere,
            "NO_PROXY": "",
            "no_proxy": "",
        }
    ).wait_ready()
    picture = {"type": "image_url", "image_url": {"url": data_uri(encoded(shape()))}}
    content = [picture, {"type": "text", "text": "a secret question"}]
    asked = {"messages": [{"role": "user", "content": content}], "max_tokens": 3}
    named = {"traceparent": "00-{}-{}-01".format(*CALLER), "X-Request-ID": "traced", "Authorization": "Bearer x"}
    server.client.post("/v1/chat/completions", json=asked, headers=named).raise_for_status()
    assert server.request_line("traced")["trace_id"] == CALLER[0]
    server.client.get("/v1/models", headers={"traceparent": "00-{}-{}-00".format(*UNRECORDED)}).raise_for_status()
    header = {"traceparent": "00-" + "0" * 32 + "-x", "X-Request-ID": "lost"}
    assert server.client.get("/a%20secret%20path?q=a%20secret%20query", headers=header).status_code == 404
    server.stop()

    first, *stages = collector.trace(CALLER[0])
    assert (first.name, first.kind) == ("POST /v1/chat/completions", Span.SPAN_KIND_SERVER)
    assert first.parent_span_id.hex() == CALLER[1]
    assert first.status.code == Status.STATUS_CODE_UNSET
    said = values(first)
    assert (said["http.request.method"], said["http.route"]) == ("POST", "/v1/chat/completions")
    assert said["http.response.status_code"] == 200
    assert "error.type" not in said
    line = server.request_line("traced")
    for name in ("gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        assert said[name] == line[name]
    assert said["gen_ai.operation.name"] == "chat"
    assert [one.string_value for one in said["gen_ai.response.finish_reasons"].values] == ["length"]
    assert said["sightd.request_id"] == "traced"
    assert {stage.name for stage in stages} == {"queue", "decode_media", "prefill", "decode"}
    for stage in stages:
        assert stage.parent_span_id == first.span_id
        assert first.start_time_unix_nano <= stage.start_time_unix_nano
        assert stage.start_time_unix_nano <= stage.end_time_unix_nano <= first.end_time_unix_nano

    (lost,) = collector.trace(server.request_line("lost")["trace_id"])
    assert lost.name == "GET"
    assert values(lost)["error.type"] == server.request_line("lost")["error"]
    assert not collector.trace(UNRECORDED[0])
    assert {span.trace_id for _, span in collector.sent()} == {first.trace_id, lost.trace_id}
    (source,) = {(said["service.name"], said["service.version"]) for said, _ in collector.sent()}
    assert source == ("sightd", VERSION)
    assert not [secret for secret in SECRETS if any(secret in body for body in collector.bodies)]


def complaints(server: Server) -> list[str]:
    """What the server says of traces that are not taken, after one more request."""
    assert server.status("/v1/models") in (200, None)
    return [line["event"] for line in server.lines() if "traces do not reach" in line["event"]]


def test_collectors_that_are_away(start_server: StartServer) -> None:
    """With nothing where the collector should be, or something that never answers, requests are answered as ever, one
    line says so, and the service ends in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = free_port(), silent.getsockname()[1]
        places = [f"http://127.0.0.1:{port}/v1/traces" for port in ports]
        soon = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
        servers = [start_server(environment={"SIGHTD_TRACING__ENDPOINT": place, **soon}) for place in places]
        for server in servers:
            until(partial(server.status, "/livez"), 20, "/livez answers")
            until(partial(complaints, server), 20, "a line that says so")
        for server in servers:
            server.process.send_signal(signal.SIGTERM)
        for server in servers:
            assert server.process.wait(20) == 0
            assert len(complaints(server)) == 1
