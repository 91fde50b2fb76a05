"""The HTTP front against bodies that were changed at random."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sightd.api.chat import parsing
from sightd.api.chat.schema import ChatRequest
from sightd.api.chat.wishes import wishes
from sightd.errors import SightdError
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.models.families import prompt_builder

from ..server import Server
from .corpus import BODIES, FILES, PICTURES, brief, changed, spoiled

BUILDER = prompt_builder(EMBEDDED_FOLDER)
BOUNDARY = b"boundary"
FORM = (
    b'--boundary\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    + FILES["png"]
    + b'\r\n--boundary\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nWhat colour?'
    + b'\r\n--boundary\r\nContent-Disposition: form-data; name="max_tokens"\r\n\r\n2\r\n--boundary--\r\n'
)


def check(response: httpx.Response, server: Server) -> None:
    """Fail unless the answer is one that a client can use, and the server is all there."""
    assert response.status_code < 500, response.text
    if response.status_code != 200:
        body = response.json()
        assert body.get("error") or body.get("detail")
        assert "Traceback" not in response.text
    assert server.process.poll() is None


def text_of(body: Any) -> bytes:
    """The body as JSON; lone surrogates and numbers that are none stay in it."""
    return json.dumps(body).encode()


@pytest.mark.parametrize("path", BODIES)
def test_the_corpus_is_right(server: Server, path: str) -> None:
    """What fuzzing starts from is answered."""
    assert server.client.post(path, json=BODIES[path]).status_code == 200


@pytest.mark.parametrize("path", BODIES)
@given(data=st.data())
def test_changed_bodies(server: Server, path: str, data: st.DataObject) -> None:
    """A changed request is answered or refused, in JSON, and never with a server error."""
    body = brief(data.draw(changed(BODIES[path])), path)
    headers = {"Content-Type": "application/json"}
    check(server.client.post(path, content=text_of(body), headers=headers), server)


@given(content=spoiled(FORM))
def test_changed_forms(server: Server, content: bytes) -> None:
    """A changed form is answered or refused, and never with a server error."""
    headers = {"Content-Type": "multipart/form-data; boundary=boundary"}
    check(server.client.post("/v1/image/recognize", content=content, headers=headers), server)


@given(content=st.one_of(spoiled(text_of(BODIES["/v1/messages"])), st.binary(max_size=64), PICTURES))
def test_bytes_that_are_no_json(server: Server, content: bytes) -> None:
    """Any bytes at all in place of JSON are answered or refused, and never with a server error."""
    headers = {"Content-Type": "application/json"}
    check(server.client.post("/v1/messages", content=content, headers=headers), server)


@given(body=changed(BODIES["/v1/chat/completions"]))
def test_changed_chat_requests(body: dict[str, Any]) -> None:
    """What the request model lets through can be turned into a conversation and wishes, or is refused with a sentence."""
    try:
        request = ChatRequest.model_validate_json(json.dumps(body))
    except ValidationError:
        return
    with contextlib.suppress(SightdError):
        parsing.conversation(request, BUILDER.template)
        wishes(request, BUILDER.tokenizer)
