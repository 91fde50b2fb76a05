"""POST / as the MiniCPM-o server's clients use it."""

from __future__ import annotations

import re

import pytest

from ..pictures import data_uri, encoded, shape
from ..server import Server

RED = data_uri(encoded(shape("ellipse", "red")))
BLUE = data_uri(encoded(shape("rectangle", "blue")))


def test_answers(server: Server) -> None:
    """The answer has its text, the status and the server's time; pictures and texts may be mixed, assistant turns may be
    lists, and the history goes on."""
    history = [
        {"role": "user", "content": [RED, "What colour is it?"]},
        {"role": "assistant", "content": ["It is red."]},
    ]
    response = server.client.post("/", json={"prompt": "And what shape?", "history": history, "video_path": ""})
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"response", "status", "time"}
    assert body["response"] == "It is a circle."
    assert body["status"] == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", body["time"])


def test_prompt_alone(server: Server) -> None:
    """With no history and no video the prompt alone is the message, and other fields may be left out or null."""
    for body in ({"prompt": "hello"}, {"prompt": "hello", "history": [], "video_path": None}):
        assert server.client.post("/", json=body).json()["response"]


def test_text_about_data(server: Server) -> None:
    """A text that only begins as a data: URI does is a text."""
    history = [{"role": "user", "content": ["data: 1, 2, 3"]}, {"role": "assistant", "content": "Yes."}]
    assert server.client.post("/", json={"prompt": "hello", "history": history}).status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "prompt is empty"),
        ({"prompt": "x", "history": [{"role": "system", "content": "a"}] * 2}, "more than one system message"),
        ({"prompt": "x", "history": [{"role": "user", "content": ["data:image/png;base64,@@"]}]}, "base64"),
        ({"prompt": "x", "history": [{"role": "user", "content": ["data:image/png,@@"]}]}, "base64"),
        ({"prompt": "x", "history": "y"}, "history"),
        ({"prompt": "x", "video_path": "/etc/passwd"}, "does not name a file that this server may read"),
    ],
)
def test_failures(server: Server, body: dict[str, object], words: str) -> None:
    """A failure has its sentence and its status in the body too."""
    response = server.client.post("/", json=body)
    assert response.status_code == 400
    assert response.json()["status"] == 400
    assert set(response.json()) == {"error", "status"}
    assert words in response.json()["error"]
