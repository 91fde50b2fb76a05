"""Bodies that would keep the front busy for long, and texts that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..server import Server

PART = b'{"type":"text","text":"a"}'
FIELDS = b'{"type":"text",' + b",".join(b'"k%d":1' % number for number in range(900_000)) + b"}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"0," * 1_000_001 + b"0", "more than 1000000 values"),
        (b"{}," * 50_001 + b"{}", "50000 objects and lists"),
        ((PART + b",") * 1000 + PART, "at most 1000 items"),
        (FIELDS, "has 900001 fields"),
        (b"], " + FIELDS[1:-1] + b', "a": [', "has 900004 fields"),
    ],
    ids=["values", "objects", "parts", "fields of a part", "fields of a message"],
)
def test_bodies_of_many_parts(server: Server, content: bytes, said: str) -> None:
    """A body of very many values, objects or parts of a message is refused, and the service answers on."""
    body = b'{"messages":[{"role":"user","content":[' + content + b"]}]}"
    head = {"Content-Type": "application/json"}
    refused = server.client.post("/v1/chat/completions", content=body, headers=head)
    assert (refused.status_code, said in refused.json()["error"]["message"]) == (400, True), refused.text
    assert server.client.get("/livez").status_code == 200


def test_forms_without_parts(server: Server) -> None:
    """A form that is no multipart one, and so has no files, is refused by its size before it is taken apart."""
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = server.client.post("/v1/image/recognize", content=b"&" * 20_000_000, headers=head)
    assert (refused.status_code, "65536" in refused.json()["detail"]) == (413, True)
    small = server.client.post("/v1/image/recognize", content=b"prompt=x&image=y", headers=head)
    assert small.status_code == 422
    assert "image" in small.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "messages"),
        ({"structured_outputs": {"regex": "\ud800"}}, "structured_outputs"),
        ({"structured_outputs": {"grammar": 'start: "\ud800"'}}, "structured_outputs"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"enum": ["\ud800"]}}}},
         "response_format.json_schema"),
        ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"enum": ["\ud800"]}}}],
          "tool_choice": "required"}, "tools"),
        ({"response_format": {"type": "json_schema",
                              "json_schema": {"name": "a", "schema": {"minimum": float("nan")}}}},
         "response_format.json_schema"),
    ],
    ids=["message", "regex", "grammar", "schema", "tool", "NaN"],
)  # fmt: skip
def test_what_is_no_text_or_number(server: Server, fields: dict[str, Any], param: str) -> None:
    """Half of a surrogate pair, and a number that is none, are the request's error wherever they stand."""
    text = "a" if fields else "\ud800"
    body = json.dumps({"messages": [{"role": "user", "content": text}], "max_tokens": 2} | fields)
    head = {"Content-Type": "application/json"}
    refused = server.client.post("/v1/chat/completions", content=body, headers=head)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), refused.text
    assert "TextInputSequence" not in refused.text
