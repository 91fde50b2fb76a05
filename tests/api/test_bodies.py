"""JSON bodies that would keep the front busy for long."""

from __future__ import annotations

import pytest

from ..server import Server

PART = b'{"type":"text","text":"a"}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"0," * 1_000_001 + b"0", "more than 1000000 values"),
        (b"{}," * 50_001 + b"{}", "50000 objects and lists"),
        ((PART + b",") * 1000 + PART, "at most 1000 items"),
    ],
    ids=["values", "objects", "parts"],
)
def test_bodies_of_many_parts(server: Server, content: bytes, said: str) -> None:
    """A body of very many values, objects or parts of a message is refused, and the service answers on."""
    body = b'{"messages":[{"role":"user","content":[' + content + b"]}]}"
    head = {"Content-Type": "application/json"}
    refused = server.client.post("/v1/chat/completions", content=body, headers=head)
    assert (refused.status_code, said in refused.json()["error"]["message"]) == (400, True), refused.text
    assert server.client.get("/livez").status_code == 200
