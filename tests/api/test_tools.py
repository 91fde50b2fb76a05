"""Tool calls: forced ones by a grammar, and found in the text of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sightd.api.toolcalls import CallDelta, ToolCallStream

from ..server import Server
from .test_chat import RED, ask, image, user
from .test_chat_options import chunks

QUESTION = user(image(RED), "What colour is it?")
PAINT = {
    "type": "function",
    "function": {
        "name": "paint",
        "description": "Paint the wall",
        "parameters": {
            "type": "object",
            "properties": {"colour": {"enum": ["red", "blue"]}},
            "required": ["colour"],
            "additionalProperties": False,
        },
    },
}
WAIT = {
    "type": "function",
    "function": {"name": "wait", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}},
}


def folded(deltas: list[Any]) -> tuple[str, list[tuple[str | None, str]]]:
    """Text and (name, arguments) of calls."""
    said, calls = "", list[tuple[str | None, str]]()
    for delta in deltas:
        if isinstance(delta, str):
            said += delta
        elif delta.id is not None:
            calls.append((delta.name, delta.arguments))
        else:
            calls[delta.index] = (calls[delta.index][0], calls[delta.index][1] + delta.arguments)
    return said, calls


@pytest.mark.parametrize(
    ("answer", "said", "calls"),
    [
        ("Just text.", "Just text.", []),
        ('<tool_call>\n{"name": "f", "arguments": {"a": "}{"}}\n</tool_call>', "", [("f", '{"a": "}{"}')]),
        (
            'So:\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "g", "arguments": {"x": [1, {"y": "\\""}]}}\n</tool_call>',
            "So:",
            [("f", "{}"), ("g", '{"x": [1, {"y": "\\""}]}')],
        ),
        ('<tool_call>{"arguments": {"a": 1}, "name": "f"}</tool_call>', "", [("f", '{"a": 1}')]),
        ('<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', "", [("f", '{"a": 1}')]),
        ("<tool_call>not json</tool_call> after", "<tool_call>not json</tool_call> after", []),
        ("a < b <tool", "a < b <tool", []),
        ('<tool_call>\n{"name": "f"', '<tool_call>\n{"name": "f"', []),
        ('<tool_call>\n{"name": "f", "arguments": {"a": ', "", [("f", '{"a": ')]),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_calls_in_text(answer: str, said: str, calls: list[Any], step: int) -> None:
    """Calls are told from text however the answer is cut into pieces, and nothing of the text is lost."""
    stream = ToolCallStream()
    deltas: list[str | CallDelta] = []
    for start in range(0, len(answer), step):
        deltas += stream.feed(answer[start : start + step])
    deltas += stream.feed("", final=True)
    assert folded(deltas) == (said, calls)


def test_required_call(server: Server) -> None:
    """tool_choice "required" makes the answer a call of one of the tools, with arguments that their schema allows."""
    options: dict[str, Any] = {"tools": [PAINT, WAIT], "tool_choice": "required", "parallel_tool_calls": False}
    choice = ask(server, QUESTION, **options).json()["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert call["type"] == "function"
    assert call["function"]["name"] in ("paint", "wait")
    assert isinstance(json.loads(call["function"]["arguments"]), dict)


def test_named_call_streamed(server: Server) -> None:
    """A named tool is called; streamed, the call's name comes first, then its arguments piece by piece."""
    named = {"type": "function", "function": {"name": "paint"}}
    got = chunks(server, messages=[QUESTION], tools=[PAINT, WAIT], tool_choice=named)
    deltas = [c["choices"][0]["delta"]["tool_calls"][0] for c in got if "tool_calls" in c["choices"][0]["delta"]]
    assert deltas[0]["function"]["name"] == "paint"
    assert deltas[0]["id"].startswith("call_")
    assert len(deltas) > 2
    arguments = json.loads("".join(delta["function"]["arguments"] for delta in deltas))
    assert arguments["colour"] in ("red", "blue")
    assert got[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_turns_with_tools(server: Server) -> None:
    """Earlier calls and their results are taken, and a question with tools may be answered in words."""
    call = {"id": "call_1", "type": "function", "function": {"name": "paint", "arguments": '{"colour": "red"}'}}
    turns = [
        QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "painted"},
        user("What colour is it?"),
    ]
    for choice in ("auto", "none"):
        answer = ask(server, *turns, tools=[PAINT], tool_choice=choice).json()["choices"][0]
        assert answer["message"]["content"]
    broken = json.loads(json.dumps(turns).replace('{\\"colour\\": \\"red\\"}', "[1"))
    assert "JSON object" in ask(server, *broken, tools=[PAINT]).json()["error"]["message"]


def test_tools_that_are_wrong(server: Server) -> None:
    """Two tools of one name, and a tool_choice that names none of them, are refused."""
    twice = ask(server, QUESTION, tools=[PAINT, PAINT])
    assert "same name" in twice.json()["error"]["message"]
    other = {"type": "function", "function": {"name": "fly"}}
    assert "not among the tools" in ask(server, QUESTION, tools=[PAINT], tool_choice=other).json()["error"]["message"]
