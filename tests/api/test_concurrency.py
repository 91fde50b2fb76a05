"""Requests at the same time: none waits for another to finish, and one whose client goes away ends."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from ..conftest import StartServer
from ..pictures import data_uri, encoded, shape
from ..server import Server
from ..waiting import until

PATH = "/v1/chat/completions"
LONG = {
    "messages": [{"role": "user", "content": "Tell me a story"}],
    "ignore_eos": True,
    "max_tokens": 4000,
    "stream": True,
}


def test_a_short_request_overtakes_a_long_one(server: Server) -> None:
    """A short answer comes while a long one is still being streamed."""
    with server.client.stream("POST", PATH, json=LONG) as long:
        lines = long.iter_lines()
        for _ in range(4):
            next(lines)
        short = server.client.post(PATH, json={"messages": [{"role": "user", "content": "hello"}], "max_tokens": 5})
        assert short.json()["usage"]["completion_tokens"] == 5
        assert any('"delta"' in line for line in lines)


def test_many_at_once_are_all_right(server: Server) -> None:
    """Forty questions at sixteen at a time, of two kinds, each get their own right answer."""
    colours = {"red": "It is red.", "blue": "It is blue.", "green": "It is green.", "yellow": "It is yellow."}
    uris = {
        colour: data_uri(encoded(shape("ellipse", colour, (100 + 20 * i, 120)))) for i, colour in enumerate(colours)
    }

    def ask(number: int) -> bool:
        colour = list(colours)[number % len(colours)]
        content = [
            {"type": "image_url", "image_url": {"url": uris[colour]}},
            {"type": "text", "text": "What colour is it?"},
        ]
        answer = server.client.post(PATH, json={"messages": [{"role": "user", "content": content}]}).json()
        return bool(answer["choices"][0]["message"]["content"] == colours[colour])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(40)))


def test_a_client_that_goes_away_frees_its_place(server: Server) -> None:
    """When the client closes the connection, in a stream or before, the engine drops the request; the log says 499."""
    for stream in (True, False):
        body = json.dumps(LONG | {"stream": stream}).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Request-ID: gone-{stream}\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + body)
            until(lambda: server.client.get("/health").json()["engines"][0]["requests"] == 1, 10, "the request runs")
        until(lambda: server.client.get("/health").json()["engines"][0]["requests"] == 0, 5, "the request is dropped")
        line = server.request_line(f"gone-{stream}")
        assert line["status"] == 499
        assert line["error"] == "client_closed_request"


def test_a_full_queue_refuses_at_once(start_server: StartServer) -> None:
    """Beyond concurrency and queue, a request is refused with 503 and Retry-After while health goes on answering."""
    server = start_server(environment={"SIGHTD_LIMITS__CONCURRENCY": "1", "SIGHTD_LIMITS__QUEUE": "1"}).wait_ready()
    with server.client.stream("POST", PATH, json=LONG) as first:
        lines = first.iter_lines()
        next(lines)
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(server.client.post, PATH, json=LONG | {"stream": False, "max_tokens": 3})
            until(lambda: server.client.get("/health").json()["waiting"] == 1, 10, "the second request waits")
            began = time.monotonic()
            refused = server.client.post(PATH, json=LONG)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "overloaded"
            assert int(refused.headers["Retry-After"]) >= 1
            assert time.monotonic() - began < 5
            lines.close()
            assert second.result().status_code == 200


def test_clients_that_send_slowly(start_server: StartServer) -> None:
    """A head that does not come in time ends its connection, a body 408; keep-alive connections go on working."""
    limits = {"SIGHTD_SERVER__HEAD_SECONDS": "1", "SIGHTD_SERVER__BODY_SECONDS": "1"}
    server = start_server(environment=limits).wait_ready()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert connection.recv(1000) == b""
    for path, shape_of_error in ((PATH, b'"code":"body_timeout"'), ("/v1/image/recognize", b'{"detail":')):
        kind = "application/json" if path == PATH else "multipart/form-data; boundary=x"
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(head.encode() + (b"{" if path == PATH else b"--x\r\n"))
            answer = b"".join(iter(lambda: connection.recv(10_000), b""))
            assert answer.startswith(b"HTTP/1.1 408")
            assert shape_of_error in answer
    assert server.client.get("/livez").status_code == 200
