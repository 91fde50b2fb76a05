"""The form that an answer is to have: OpenAI's response_format and vLLM's structured_outputs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..jsonobjects import JsonObject
from .content import Strict

Word = Annotated[str, Field(min_length=1, max_length=256)]


class JsonSchema(Strict):
    """A named schema for the answer."""

    name: Annotated[str, Field(max_length=64)] = "answer"
    description: Annotated[str | None, Field(description="accepted, no effect")] = None
    schema_: Annotated[JsonObject, Field(alias="schema")]
    strict: Annotated[bool | None, Field(description="accepted; schemas are always enforced")] = None


class TextFormat(Strict):
    """Any text."""

    type: Literal["text"]


class ObjectFormat(Strict):
    """Some JSON object."""

    type: Literal["json_object"]


class SchemaFormat(Strict):
    """JSON that a schema describes."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class StructuredOutputs(Strict):
    """The form of the answer in vLLM's terms: exactly one of these."""

    json_: Annotated[JsonObject | str | None, Field(alias="json", description="a JSON Schema")] = None
    json_object: bool | None = None
    regex: str | None = None
    choice: Annotated[list[Word] | None, Field(min_length=1, max_length=1000)] = None
    grammar: Annotated[str | None, Field(description="in Lark's or GBNF's notation")] = None

    @model_validator(mode="after")
    def _one(self) -> StructuredOutputs:
        given = (self.json_, self.json_object, self.regex, self.choice, self.grammar)
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of json, json_object, regex, choice and grammar")
        return self
