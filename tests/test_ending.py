"""What clients see of a server that ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from sightd.patience import PatientProtocol
from starlette.responses import PlainTextResponse
from uvicorn import Config, Server

from .server import free_port
from .waiting import until

HEAD = (b"GET / HTTP/1.1\r\nHost: here\r\n", b"\r\n")


@pytest.fixture
def server() -> Iterator[Server]:
    """Uvicorn with the protocol of sightd's worker, in a thread."""
    http = partial(PatientProtocol, head_seconds=20)
    made = Server(Config(PlainTextResponse("here"), port=free_port(), http=http, log_config=None, lifespan="off"))
    thread = threading.Thread(target=made.run)
    thread.start()
    until(lambda: made.started, 20, "a server that listens")
    yield made
    made.should_exit = True
    thread.join()


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("used", [False, True])
def test_a_request_on_its_way_is_answered(server: Server, used: bool) -> None:
    """A request whose head is under way when the server ends is answered, on a new connection and on a used one, and
    the connection ends then."""
    with socket.create_connection(("127.0.0.1", server.config.port), timeout=20) as connection:
        until(lambda: len(server.server_state.connections) == 1, 20, "a connection")
        if used:
            connection.sendall(b"".join(HEAD))
            assert connection.recv(4096).endswith(b"here")
        connection.sendall(HEAD[0])
        server.should_exit = True
        until(lambda: not server.servers[0].is_serving(), 20, "a server that ends")
        connection.sendall(HEAD[1])
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer
    assert answer.endswith(b"here")
