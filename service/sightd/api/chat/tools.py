"""The tools that a chat request offers, and which of them it wants called."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ..jsonobjects import JsonObject
from .content import Name, Strict


def of_object(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """A function's arguments are an object. Raises ValueError for a schema of anything else."""
    if schema and schema.get("type", "object") != "object":
        raise ValueError("the schema of a function's arguments must have the type object")
    return schema


class Function(Strict):
    """A function that the model may call; `parameters` is the JSON Schema of its arguments."""

    name: Name
    description: str | None = None
    parameters: Annotated[JsonObject | None, AfterValidator(of_object)] = None
    strict: Annotated[bool | None, Field(description="accepted; forced calls always follow the schema")] = None


class Tool(Strict):
    """A tool; only functions there are."""

    type: Literal["function"]
    function: Function


class NamedFunction(Strict):
    """A function by its name."""

    name: Name


class NamedTool(Strict):
    """The one tool to call."""

    type: Literal["function"]
    function: NamedFunction


Tools = Annotated[list[Tool], Field(max_length=128)]
ToolChoice = Literal["none", "auto", "required"] | NamedTool
