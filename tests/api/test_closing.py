"""Answers with the properties that were asked for, and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sightd.api.closing import closed

from ..server import Server
from .test_chat import RED, ask, image, text, user

COLOUR: dict[str, Any] = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
SHUT = COLOUR | {"additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (COLOUR, SHUT),
        ({"type": "array", "items": COLOUR}, {"type": "array", "items": SHUT}),
        ({"anyOf": [COLOUR, {"type": "null"}]}, {"anyOf": [SHUT, {"type": "null"}]}),
        (
            {"$defs": {"C": COLOUR}, "type": "object", "properties": {"c": {"$ref": "#/$defs/C"}}},
            {
                "$defs": {"C": SHUT},
                "type": "object",
                "properties": {"c": {"$ref": "#/$defs/C"}},
                "additionalProperties": False,
            },
        ),
    ],
    ids=str,
)
def test_closed(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """Objects that say nothing of further properties get none, wherever they stand."""
    assert closed(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        COLOUR | {"additionalProperties": True},
        COLOUR | {"additionalProperties": {"type": "string"}},
        COLOUR | {"patternProperties": {"^x": {}}},
        COLOUR | {"required": ["colour", "size"]},
        COLOUR | {"anyOf": [{"properties": {"size": {}}}, {"properties": {"shape": {}}}]},
        {"allOf": [COLOUR, {"properties": {"size": {}}}]},
        {"$defs": {"C": COLOUR}, "$ref": "#/$defs/C", "properties": {"size": {}}},
        {"enum": [{"properties": {"size": 1}}]},
        {"properties": {"properties": {"type": "string"}}, "additionalProperties": False},
    ],
    ids=str,
)
def test_left_open(schema: dict[str, Any]) -> None:
    """A schema that speaks of further properties, or that others build upon, stays as it is."""
    assert closed(schema) == schema


def test_nothing_unasked(server: Server) -> None:
    """An answer and a forced call have the properties that their schema names."""
    question = user(image(RED), "What colour is it?")
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": COLOUR}}
    assert set(json.loads(text(ask(server, question, response_format=form)))) == {"colour"}
    tool = {"type": "function", "function": {"name": "paint", "parameters": COLOUR}}
    forced = {"type": "function", "function": {"name": "paint"}}
    (choice,) = ask(server, question, tools=[tool], tool_choice=forced).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert set(json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])) == {"colour"}
