"""Hostile pictures and URLs against a whole server: each costs its own request, and the next one is answered."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ..pictures import data_uri, encoded, noise, shape
from ..server import Server, children_running
from ..waiting import until
from ..websites import website as serving

PATH = "/v1/chat/completions"
RED = encoded(shape("ellipse", "red"))
DECODER = "sightd.media.decoder"
SETTINGS = {
    "SIGHTD_MEDIA__ALLOWED_NETWORKS": "127.0.0.1",
    "SIGHTD_MEDIA__DECODE_SECONDS": "5",
    "SIGHTD_LIMITS__REQUEST_IMAGE_BYTES": "1000000",
    "SIGHTD_LIMITS__REQUEST_IMAGE_PIXELS": "100000",
}


@pytest.fixture(scope="module")
def website() -> Iterator[str]:
    """The URL of a web server with a picture on it, and a redirect to a forbidden address."""
    pages = {"/red.png": RED, "/page.html": b"<html>no picture</html>", "/empty.png": b""}
    with serving(pages, {"/redirect": "http://127.0.0.2:{port}/red.png"}) as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with small budgets that may fetch from this machine."""
    running = Server(tmp_path_factory.mktemp("media"), environment=SETTINGS)
    try:
        yield running.wait_ready()
    finally:
        running.stop()


def ask(server: Server, *urls: str, question: str = "What colour is it?") -> httpx.Response:
    """Ask about pictures at URLs."""
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    message = {"role": "user", "content": [*pictures, {"type": "text", "text": question}]}
    return server.client.post(PATH, json={"messages": [message], "temperature": 0})


def answer(response: httpx.Response) -> str:
    """The answer's text."""
    text: str = response.raise_for_status().json()["choices"][0]["message"]["content"]
    return text


def error(response: httpx.Response) -> dict[str, Any]:
    """The error, with its status; whatever it is, it holds no traces of the inside."""
    found: dict[str, Any] = response.json()["error"]
    for secret in ("/tmp", "/work", "Traceback", "0x", "Errno", "127.0.0.2"):  # noqa: S108
        assert secret not in found["message"]
    return found | {"status": response.status_code}


def decoders(server: Server) -> dict[str, Any]:
    """What /health says of the decoders."""
    found: dict[str, Any] = server.client.get("/health").json()["decoders"]
    return found


def whole(server: Server) -> None:
    """Fail unless all decoders are there again and a request is answered."""
    until(lambda: decoders(server)["idle"] == 2, 30, "two idle decoders")
    assert len(children_running(server.process.pid, DECODER)) == 2
    assert answer(ask(server, data_uri(RED))) == "It is red."


def test_health_shows_the_sandbox(server: Server) -> None:
    """/health tells which layers of the sandbox hold, and so does the log, once for pictures and once for videos."""
    until(lambda: decoders(server)["processes"] == 2, 30, "two decoders")
    layers = decoders(server)["sandbox"]
    assert layers == dict.fromkeys(("no_new_privs", "rlimits", "landlock", "seccomp"), "applied")
    until(lambda: len([line for line in server.lines() if "locked in" in line["event"]]) == 2, 30, "two lines")


def test_a_picture_by_url(server: Server, website: str) -> None:
    """A picture on the web is fetched and seen, beside one that came with the request."""
    response = ask(server, f"{website}/red.png")
    assert answer(response) == "It is red."
    assert server.request_line(response.headers["x-request-id"])["fetch_media_seconds"] > 0
    blue = data_uri(encoded(shape("rectangle", "blue")))
    question = "In the second picture, what colour is the shape?"
    assert answer(ask(server, f"{website}/red.png", blue, question=question)) == "It is blue."


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://169.254.169.254/latest/meta-data/", 400, "image_fetch_forbidden"),
        ("http://127.0.0.2/", 400, "image_fetch_forbidden"),
        ("{site}/redirect", 400, "image_fetch_forbidden"),
        ("http://good\\@bad/", 400, "invalid_image_url"),
        ("http://2130706433/", 400, "invalid_image_url"),
        ("file:///etc/passwd", 400, "invalid_image_url"),
        ("/etc/passwd", 400, "invalid_image_url"),
        ("{site}/nothing", 422, "image_fetch_failed"),
        ("http://127.0.0.1:1/", 422, "image_fetch_failed"),
        ("{site}/page.html", 400, "invalid_image"),
        ("{site}/empty.png", 400, "invalid_image"),
    ],
)
def test_urls_that_are_refused(server: Server, website: str, url: str, status: int, code: str) -> None:
    """A URL that is not to be fetched, or has no picture, is refused by its code with the field that it stands in."""
    found = error(ask(server, data_uri(RED), url.format(site=website)))
    assert (found["status"], found["code"]) == (status, code)
    if code != "invalid_image":
        assert found["param"] == "messages[0].content[1].image_url.url"
    assert answer(ask(server, data_uri(RED))) == "It is red."


def test_budgets(server: Server, website: str) -> None:
    """The pictures of a request share limits of pixels and bytes, which the sentence names."""
    assert answer(ask(server, data_uri(RED), data_uri(RED)))
    found = error(ask(server, *[data_uri(RED)] * 2, f"{website}/red.png"))
    assert (found["status"], found["code"]) == (422, "image_too_large")
    assert "129600 pixels together; at most 100000" in found["message"]
    large = data_uri(encoded(noise(1, (480, 480)), "BMP"))
    found = error(ask(server, large, large))
    assert found["status"] == 413
    assert "together; at most 1000000" in found["message"]


def test_decoders_that_are_killed(server: Server) -> None:
    """Decoders killed from outside are replaced, and no request notices."""
    deaths = decoders(server)["counts"]["deaths"]
    for pid in children_running(server.process.pid, DECODER):
        os.kill(pid, signal.SIGKILL)
    assert answer(ask(server, data_uri(RED))) == "It is red."
    whole(server)
    assert decoders(server)["counts"]["deaths"] == deaths + 2


def test_decoders_that_hang(server: Server) -> None:
    """A picture whose decoder does not come back is refused with the limit, and the decoder is replaced."""
    for pid in children_running(server.process.pid, DECODER):
        os.kill(pid, signal.SIGSTOP)
    found = error(ask(server, data_uri(RED)))
    assert found["status"] == 422
    assert "longer than 5 seconds" in found["message"]
    assert error(ask(server, data_uri(RED)))["status"] == 422
    whole(server)
    assert decoders(server)["counts"]["timeouts"] == 2
