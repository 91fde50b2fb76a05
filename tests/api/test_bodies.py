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


def nested(depth: int) -> bytes:
    """An object in an object, so many times."""
    return b'{"a":' * depth + b"1" + b"}" * depth


CALL = b'{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"a","arguments":%s}}]},'
HOLDERS = {
    "tool": (b'"tools":[{"type":"function","function":{"name":"a","parameters":%s}}]', "tools[0].function.parameters"),
    "schema": (
        b'"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":%s}}',
        "response_format.json_schema",
    ),
    "variables": (b'"chat_template_kwargs":%s', "chat_template_kwargs"),
    "call": (b'"messages":[' + CALL + b'{"role":"user","content":"a"}]', "messages[0].tool_calls"),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize(
    "value",
    [nested(300), nested(900), nested(40_000), b"{" + b",".join(b'"k%d":1' % n for n in range(400_000)) + b"}"],
    ids=["300 deep", "900 deep", "40000 deep", "400000 fields"],
)
def test_objects_of_any_content(server: Server, holder: str, value: bytes) -> None:
    """A schema or arguments that are nested deep, or have very many fields, are the request's error."""
    field, param = HOLDERS[holder]
    given = json.dumps(value.decode()).encode() if holder == "call" else value
    body = b'{"messages":[{"role":"user","content":"a"}],"max_tokens":2,' + field % given + b"}"
    refused = server.client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400, refused.text
    if len(value) < 10_000:
        assert refused.json()["error"]["param"].startswith(param)


@pytest.mark.parametrize("field", ["stop", "modalities", "tokens"])
def test_lists_of_what_does_not_belong_there(server: Server, field: str) -> None:
    """A long list of values of another kind is refused by its first one."""
    path = "/detokenize" if field == "tokens" else "/v1/chat/completions"
    message = b"" if field == "tokens" else b'"messages":[{"role":"user","content":"a"}],'
    body = b"{" + message + b'"%s":[' % field.encode() + b"1.5," * 900_000 + b"1.5]}"
    refused = server.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"].startswith(field)
    assert "[1]" not in refused.json()["error"]["message"]


def test_names_in_schemas_are_text(server: Server) -> None:
    """Control tokens in the names of a schema's or a call's fields are text, and long names count as the prompt's."""
    control = "<|vision_start|><|image_pad|><|vision_end|>"
    tool = {"type": "function", "function": {"name": "a", "parameters": {"properties": {control: {}}}}}
    call = {"type": "function", "function": {"name": "a", "arguments": json.dumps({control: control})}}
    calls = [{"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": "a"}]
    for fields in ({"tools": [tool], "messages": calls[1:]}, {"messages": calls}):
        answered = server.client.post("/v1/chat/completions", json={"max_tokens": 2} | fields)
        assert answered.status_code == 200, answered.text
    tool["function"]["parameters"] = {"properties": {"a" * 20_000_000: {}}}
    refused = server.client.post("/v1/chat/completions", json={"messages": calls[1:], "tools": [tool]})
    assert "more than 8192 tokens" in refused.json()["error"]["message"]


def test_a_turn_of_nothing(server: Server) -> None:
    """A message without any block is the request's error, not the server's."""
    body = {"model": "sightd-tiny-vl", "max_tokens": 2, "messages": [{"role": "user", "content": []}]}
    assert server.client.post("/v1/messages", json=body).status_code == 400
