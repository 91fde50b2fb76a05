"""The official Anthropic SDK, unchanged but for its base_url."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from ..pictures import encoded, shape
from ..server import Server

DATA = base64.b64encode(encoded(shape("ellipse", "green"))).decode()
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
TOOL = {"name": "paint", "description": "Paint the wall", "input_schema": SCHEMA}


def user(text: str) -> Any:
    """A user's message with the picture."""
    return {"role": "user", "content": [PICTURE, {"type": "text", "text": text}]}


@pytest.fixture
def client(server: Server) -> Iterator[anthropic.Anthropic]:
    """The SDK pointed at the server."""
    with anthropic.Anthropic(base_url=server.url, api_key="unused", max_retries=0) as client:
        yield client


def ask(client: anthropic.Anthropic, *messages: Any, **options: Any) -> Any:
    """Ask for a whole answer."""
    options = {"max_tokens": 50, **options}
    return client.messages.create(model="sightd-tiny-vl", messages=list(messages), **options)


def test_whole(client: anthropic.Anthropic) -> None:
    """A picture question is answered, with a system prompt; the reasons why answers end are told apart."""
    answer = ask(client, user("What colour is it?"), system="Be precise.")
    assert [block.text for block in answer.content] == ["It is green."]
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == 5
    assert ask(client, user("What colour is it?"), max_tokens=2).stop_reason == "max_tokens"
    stopped = ask(client, user("What colour is it?"), stop_sequences=["green"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "green")
    prefilled = ask(client, user("What colour is it?"), {"role": "assistant", "content": "It is"})
    assert prefilled.content[0].text == " green."


def test_stream(client: anthropic.Anthropic) -> None:
    """The SDK's stream helper puts the same answer together."""
    options: dict[str, Any] = {"max_tokens": 50, "messages": [user("What colour is it?")]}
    with client.messages.stream(model="sightd-tiny-vl", **options) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "It is green."
    assert final.content[0].text == text  # type: ignore[union-attr]
    assert final.usage.output_tokens == 5


def test_tools(client: anthropic.Anthropic) -> None:
    """A forced call comes as a block, streamed or not; sent back with its result, the conversation goes on."""
    forced: dict[str, Any] = {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "paint"}}
    answer = ask(client, user("What colour is it?"), **forced)
    (call,) = answer.content
    assert (call.type, call.name, answer.stop_reason) == ("tool_use", "paint", "tool_use")
    assert call.input["colour"] in ("red", "green")
    options: dict[str, Any] = {"max_tokens": 50, "messages": [user("What colour is it?")], **forced}
    with client.messages.stream(model="sightd-tiny-vl", **options) as stream:
        assert stream.get_final_message().content[0].input == call.input  # type: ignore[union-attr]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "done"}, PICTURE]}
    turns = [
        user("What colour is it?"),
        {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}]},
        {"role": "user", "content": [result, {"type": "text", "text": "What colour is it?"}]},
    ]
    assert ask(client, *turns, tools=[TOOL]).content


def test_count_tokens(client: anthropic.Anthropic) -> None:
    """The count is that of the prompt that is then answered."""
    counted = client.messages.count_tokens(model="sightd-tiny-vl", messages=[user("What colour is it?")])
    assert counted.input_tokens == ask(client, user("What colour is it?")).usage.input_tokens


def test_what_cannot_be(client: anthropic.Anthropic) -> None:
    """A turn without content, a choice of tools that there are none of, and one without its tool's name are refused."""
    wrong: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [user("?")], "tool_choice": {"type": "any"}},
        {"messages": [user("?")], "tools": [TOOL], "tool_choice": {"type": "tool"}},
    ]
    for options in wrong:
        with pytest.raises(anthropic.BadRequestError):
            client.messages.create(model="sightd-tiny-vl", max_tokens=5, **options)


def test_errors(client: anthropic.Anthropic) -> None:
    """Errors arrive as the SDK's own exceptions with the server's words."""
    with pytest.raises(anthropic.NotFoundError, match="not served here"):
        client.messages.create(model="claude", max_tokens=5, messages=[{"role": "user", "content": "hello"}])
    with pytest.raises(anthropic.BadRequestError, match="thinking"):
        ask(client, user("hello"), thinking={"type": "enabled", "budget_tokens": 2000})
