"""What a body that does not fit is told: the field's place as the client wrote it, and one sentence for each mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..pictures import encoded, shape
from ..server import Server
from .test_chat import PATH, RED, image, user

FORM = "/v1/image/recognize"
CIRCLE = encoded(shape("ellipse", "red"))


@pytest.mark.parametrize(
    ("change", "param", "message"),
    [
        (
            {"messages": [user(image(RED) | {"uuid": "x"})]},
            "messages[0].content[0].uuid",
            "messages[0].content[0].uuid is not a parameter of this endpoint.",
        ),
        (
            {"messages": [user({"type": "text", "text": "x", "cache": 1})]},
            "messages[0].content[0].cache",
            "messages[0].content[0].cache is not a parameter of this endpoint.",
        ),
        (
            {"messages": [user({"type": "image_url", "image_url": {}})]},
            "messages[0].content[0].image_url.url",
            "messages[0].content[0].image_url.url is missing.",
        ),
        (
            {"messages": [user({"type": "audio"})]},
            "messages[0].content[0]",
            "messages[0].content[0] has the type 'audio', which is none of",
        ),
        (
            {"messages": [user({"type": "image", "path": "/etc/passwd"})]},
            "messages[0].content[0].path",
            "no files of the server are read",
        ),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "json_schema is missing."),
        ({"logit_bias": {"x": 1}}, "logit_bias.x", "logit_bias.x: string should match"),
        ({"min_tokens": 5, "max_tokens": 2}, "min_tokens", "min_tokens is more than max_tokens."),
        ({"stop": [""]}, "stop", "stop takes up to 16 strings"),
        ({"stream_options": {}}, "stream_options", "stream_options needs stream to be true."),
        ({"tool_choice": "required"}, "tool_choice", "tool_choice needs tools."),
        ({"max_tokens": 10**12}, "max_tokens", "at most 8192 tokens may be asked for here (limits.max_tokens)"),
        ({"min_tokens": 8190}, "min_tokens", "what the prompt leaves of the context"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]},
            "tools[0].function.parameters",
            "must have the type object",
        ),
    ],
    ids=str,
)
def test_places(server: Server, change: dict[str, Any], param: str, message: str) -> None:
    """`param` is the wrong field as the request has it, and the sentence says what is wrong with that field alone."""
    response = server.client.post(PATH, json={"messages": [user("hello")]} | change)
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == param
    assert message in error["message"]
    assert "valid string" not in error["message"]


def test_no_field(server: Server) -> None:
    """Where no field can be named, param is null."""
    for body in (b"[]", b"{", b"", b'"x"'):
        response = server.client.post(PATH, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 400
        assert response.json()["error"]["param"] is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"temperature": "9"}, "请求字段有误：temperature 必须小于或等于 2.0。"),
        ({"max_tokens": "x", "top_p": "0"}, "请求字段有误：max_tokens 必须是整数；top_p 必须大于 0.0。"),
        ({"stream": "perhaps"}, "请求字段有误：stream 必须是 true 或 false。"),
        ({"max_tokens": "99999"}, "max_tokens 最多为 8192（limits.max_tokens），收到的是 99999。"),
    ],
    ids=str,
)
def test_forms_in_chinese(server: Server, fields: dict[str, str], sentence: str) -> None:
    """Mistakes in a form's fields are told in Chinese."""
    response = server.client.post(FORM, files={"image": ("a.png", CIRCLE, "image/png")}, data={"prompt": "?"} | fields)
    assert response.status_code in (400, 422)
    assert response.json() == {"detail": sentence}


def test_pictures_as_text(server: Server) -> None:
    """A picture that was sent as a text is told that it must be a file."""
    response = server.client.post(FORM, data={"prompt": "?", "image": "a.png"})
    assert (response.status_code, response.json()) == (422, {"detail": "请求字段有误：image 必须是上传的文件。"})


def test_other_fields_of_a_form(server: Server) -> None:
    """A field that a form does not have is refused by name."""
    for path, kind in ((FORM, "image"), ("/v1/video/recognize", "video")):
        files = {kind: ("a", CIRCLE, f"{kind}/png")}
        response = server.client.post(path, files=files, data={"prompt": "?", "top_k": "5"})
        assert response.status_code == 422
        assert response.json()["detail"].startswith("表单中没有字段 top_k，可用字段：")


@pytest.mark.parametrize(
    "text",
    [
        '{"structured_outputs": {"json": {"enum": ["\\ud800"]}}}',
        '{"structured_outputs": {"json": {"enum": [NaN]}}}',
        '{"structured_outputs": {"regex": "\\ud800"}}',
        '{"structured_outputs": {"grammar": "start: \\"\\ud800\\""}}',
        '{"tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": [NaN]}}}], "tool_choice": "required"}',
    ],
    ids=["surrogate", "NaN", "regex", "grammar", "tool"],
)
def test_forms_that_no_text_has(server: Server, text: str) -> None:
    """Schemas and expressions with what JSON text cannot hold are the request's error, not the server's."""
    body = text.replace("{", '{"messages": [{"role": "user", "content": "hello"}], ', 1)
    response = server.client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_grammar"


def test_forms_that_are_too_deep(server: Server) -> None:
    """A schema that is nested deeper than anybody writes one is refused by the depth that is allowed."""
    body = {"messages": [{"role": "user", "content": "hello"}]} | {"structured_outputs": {"json": "SCHEMA"}}
    text = json.dumps(body).replace('"SCHEMA"', '{"not":' * 900 + "{}" + "}" * 900)
    response = server.client.post(PATH, content=text, headers={"Content-Type": "application/json"})
    found = response.json()["error"]
    assert (response.status_code, found["code"]) == (400, "invalid_value")
    assert "nested more than 100 deep" in found["message"]


def test_half_a_character(server: Server) -> None:
    """Half of a surrogate pair in a message is told so."""
    body = json.dumps({"messages": [{"role": "user", "content": "\ud800"}]})
    response = server.client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert "half of a surrogate pair" in response.json()["error"]["message"]
