"""Rows of the list of attacks that need a server of their own, or very many clients."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path

import httpx

from ..conftest import StartServer
from ..pictures import data_uri, encoded, noise, shape
from ..server import Server, alive, children_running, command_line
from ..waiting import until
from .load import resources

CHAT, PICTURE = "/v1/chat/completions", "/v1/image/recognize"
RED = encoded(shape("ellipse", "red"))
CLIENTS = 500


def asked(server: Server) -> str:
    """The answer about a red circle."""
    form = {"prompt": "What colour is it?", "temperature": "0"}
    response = server.client.post(PICTURE, files={"image": ("a.png", RED, "image/png")}, data=form)
    return str(response.json().get("result", response.text))


def test_five_hundred_clients(server: Server) -> None:
    """Of five hundred clients at once each gets its answer or 503 with Retry-After, and health answers meanwhile."""
    body = {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4}

    async def scenario() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits) as client:
            asking = [asyncio.ensure_future(client.post(CHAT, json=body)) for _ in range(CLIENTS)]
            assert (await client.get("/readyz")).status_code == 200
            return await asyncio.gather(*asking)

    answers = asyncio.run(scenario())
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) < CLIENTS
    assert all(answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert asked(server) == "It is red."


def test_a_killed_worker(start_server: StartServer) -> None:
    """When the HTTP worker is killed, its engine and decoders end with it and another worker answers."""
    server = start_server().wait_ready()
    (worker,) = (p for p in server.processes()[1:] if b"sightd.engine" not in command_line(p) and children(p))
    ended = [worker, *children(worker)]
    os.kill(worker, signal.SIGKILL)
    until(lambda: not any(map(alive, ended)), 20, "the end of the worker's processes")
    until(server.is_ready, 120, "another worker")
    assert asked(server) == "It is red."


def children(process: int) -> list[int]:
    """The engines and decoders that a process has started."""
    return [p for p in children_running(process, "sightd.") if p != process]


def test_a_body_without_end(start_server: StartServer) -> None:
    """A body that does not say its length is refused once it is over the limit, however much more would come."""
    server = start_server(environment={"SIGHTD_LIMITS__REQUEST_BYTES": "1000000"}).wait_ready()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head.encode())
        for _ in range(11):
            connection.sendall(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")
    assert asked(server) == "It is red."


def test_a_folder_that_takes_no_uploads(start_server: StartServer, tmp_path: Path) -> None:
    """When a large upload cannot be kept in a file it is the server's failure, which the log names; small ones go on."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    server = start_server(environment={"TMPDIR": str(folder)}).wait_ready()
    large = {"image": ("a.png", bytes(2_000_000), "image/png")}
    assert server.client.post(PICTURE, files=large, data={"prompt": "What is it?"}).status_code == 400
    shutil.rmtree(folder)
    refused = server.client.post(PICTURE, files=large, data={"prompt": "What is it?"})
    assert refused.status_code == 500
    assert refused.json()["detail"].startswith("服务器内部错误")
    assert str(folder) not in refused.text
    until(lambda: any(line["event"] == "an upload cannot be kept" for line in server.lines()), 10, "the log's line")
    assert asked(server) == "It is red."


def test_very_many_pictures(start_server: StartServer) -> None:
    """Hundreds of distinct pictures leave the resident memory where it was after the first ones."""
    server = start_server().wait_ready()

    def ask(numbers: range) -> None:
        for number in numbers:
            picture = data_uri(encoded(noise(number, (160, 120))))
            content = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": "What is it?"}]
            body = {"messages": [{"role": "user", "content": content}], "max_tokens": 2}
            assert server.client.post(CHAT, json=body).status_code == 200

    ask(range(200))
    before = resources(server.process.pid)
    ask(range(200, 600))
    after = resources(server.process.pid)
    assert after.memory < before.memory * 1.05
    assert after.descriptors <= before.descriptors
