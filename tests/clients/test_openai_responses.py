"""The official OpenAI SDK's responses API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from ..pictures import data_uri, encoded, shape
from ..server import Server

PICTURE = {"type": "input_image", "image_url": data_uri(encoded(shape("ellipse", "green")))}
TOOL = {
    "type": "function",
    "name": "paint",
    "parameters": {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    },
}


def question(text: str) -> list[Any]:
    """A user's message with the picture."""
    return [{"role": "user", "content": [PICTURE, {"type": "input_text", "text": text}]}]


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    """The SDK pointed at the server."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def test_whole(client: openai.OpenAI) -> None:
    """A picture question is answered; usage adds up; an answer that was cut is incomplete and says why."""
    answer = client.responses.create(
        model="sightd-tiny-vl", input=question("What colour is it?"), instructions="Be precise."
    )
    assert answer.output_text == "It is green."
    assert answer.status == "completed"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    cut = client.responses.create(model="sightd-tiny-vl", input="hello", max_output_tokens=2)
    assert cut.status == "incomplete"
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"


def test_stream(client: openai.OpenAI) -> None:
    """The events come in order with running numbers, and their text is the answer's."""
    events = list(client.responses.create(model="sightd-tiny-vl", input=question("What colour is it?"), stream=True))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "It is green."
    assert events[-1].response.output_text == "It is green."  # type: ignore[union-attr]


def test_tools_and_turns(client: openai.OpenAI) -> None:
    """A forced call comes as an item, streamed or not; sent back with its output, the conversation goes on."""
    forced: dict[str, Any] = {"tools": [TOOL], "tool_choice": {"type": "function", "name": "paint"}}
    asked = question("What colour is it?")
    answer = client.responses.create(model="sightd-tiny-vl", input=asked, **forced)
    (call,) = answer.output
    assert call.type == "function_call"
    assert json.loads(call.arguments)["colour"] in ("red", "green")
    streamed = list(client.responses.create(model="sightd-tiny-vl", input=asked, stream=True, **forced))
    pieces = [event.delta for event in streamed if event.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(pieces)) == json.loads(call.arguments)
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "done"}
    back = [*asked, call.model_dump(), output, {"role": "user", "content": "What colour is it?"}]
    on = client.responses.create(model="sightd-tiny-vl", input=back, tools=[TOOL], max_output_tokens=16)  # type: ignore[list-item]
    (message,) = on.output
    assert message.type == "message"
    assert on.output_text
    assert on.usage is not None
    assert answer.usage is not None
    assert on.usage.input_tokens > answer.usage.input_tokens + answer.usage.output_tokens, "the call was not sent back"


def test_form_of_the_answer(client: openai.OpenAI) -> None:
    """A JSON Schema holds."""
    form = {"format": {"type": "json_schema", "name": "answer", "schema": TOOL["parameters"]}}
    answer = client.responses.create(model="sightd-tiny-vl", input=question("What colour is it?"), text=form)  # type: ignore[arg-type]
    assert json.loads(answer.output_text)["colour"] in ("red", "green")


def test_outputs_with_pictures(client: openai.OpenAI) -> None:
    """What a call gave may have parts, as a message has."""
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": question("")[0]["content"]}
    back: Any = [{"role": "user", "content": "Look."}, call, output, {"role": "user", "content": "What colour is it?"}]
    assert client.responses.create(model="sightd-tiny-vl", input=back, max_output_tokens=8).output_text


def test_what_the_model_does_not_have(client: openai.OpenAI) -> None:
    """Reasoning that the model does not have, tools that are not there, and work in the background are refused."""
    wrong: list[dict[str, Any]] = [
        {"reasoning": {"effort": "high"}},
        {"tool_choice": "required"},
        {"background": True},
        {"include": ["message.output_text.logprobs"]},
    ]
    for options in wrong:
        with pytest.raises(openai.BadRequestError):
            client.responses.create(model="sightd-tiny-vl", input="hello", **options)
    assert client.responses.create(model="sightd-tiny-vl", input="hello", background=False, max_output_tokens=3)


def test_no_store(client: openai.OpenAI) -> None:
    """What would need a store on the server is refused by name."""
    with pytest.raises(openai.BadRequestError, match="not kept on the server"):
        client.responses.create(model="sightd-tiny-vl", input="hello", previous_response_id="resp_1")
