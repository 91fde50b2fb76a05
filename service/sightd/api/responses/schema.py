"""The body of a request to /v1/responses. A field that is not known is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..chat.content import MOST_PARTS, InputImagePart, Name, Strict, TextPart, refused
from ..chat.schema import NoEffect, not_false
from ..jsonobjects import JsonObject

NO_STORE = "answers are not kept on the server; send the whole conversation as input"


class OutputText(Strict):
    """Some text of an earlier answer, as it came."""

    type: Literal["output_text"]
    text: str
    annotations: NoEffect = None
    logprobs: NoEffect = None


class InputText(TextPart):
    """Some text."""

    type: Literal["input_text", "text"]


Content = Annotated[InputText | OutputText | InputImagePart, Field(discriminator="type")]


class InputMessage(Strict):
    """One turn of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[Content], Field(max_length=MOST_PARTS)]
    id: NoEffect = None
    status: NoEffect = None


class FunctionCall(Strict):
    """A call that the assistant made in an earlier turn."""

    type: Literal["function_call"]
    call_id: str
    name: Name
    arguments: str
    id: NoEffect = None
    status: NoEffect = None


class FunctionCallOutput(Strict):
    """What a call gave."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | Annotated[list[Content], Field(max_length=MOST_PARTS)]
    id: NoEffect = None
    status: NoEffect = None


def with_type(value: Any) -> Any:
    """A message may leave its type out; SDKs send items of an answer back with fields that are null."""
    if not isinstance(value, dict):
        return value
    return {"type": "message"} | {key: item for key, item in value.items() if item is not None}


Item = Annotated[
    Annotated[InputMessage | FunctionCall | FunctionCallOutput, Field(discriminator="type")], BeforeValidator(with_type)
]


class Tool(Strict):
    """A function that the model may call; `parameters` is the JSON Schema of its arguments."""

    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: JsonObject | None = None
    strict: Annotated[bool | None, Field(description="accepted; forced calls always follow the schema")] = None


class NamedTool(Strict):
    """The one tool to call."""

    type: Literal["function"]
    name: Name


class TextFormat(Strict):
    """The form of the answer; `schema` belongs to json_schema."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(max_length=64)] = "answer"
    description: Annotated[str | None, Field(description="accepted, no effect")] = None
    schema_: Annotated[JsonObject | None, Field(alias="schema")] = None
    strict: Annotated[bool | None, Field(description="accepted; schemas are always enforced")] = None


class Text(Strict):
    """How the text is to be."""

    format: TextFormat | None = None
    verbosity: NoEffect = None


class Reasoning(Strict):
    """How much to think first, for models whose template has reasoning_effort."""

    effort: str | None = None
    summary: NoEffect = None
    generate_summary: NoEffect = None


class ResponsesRequest(Strict):
    """A response request."""

    model: str | None = None
    input: str | Annotated[list[Item], Field(min_length=1, max_length=1000)]
    instructions: str | None = None
    max_output_tokens: Annotated[int | None, Field(ge=1)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2, allow_inf_nan=False)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1, allow_inf_nan=False)] = None
    stream: bool | None = None
    text: Text | None = None
    tools: Annotated[list[Tool] | None, Field(max_length=128)] = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    truncation: Annotated[Literal["disabled"] | None, Field(description="only disabled")] = None
    store: Annotated[Any, Field(description="accepted; nothing is ever stored")] = None
    include: Annotated[
        list[Literal["reasoning.encrypted_content"]] | None, Field(description="accepted; there is no such content")
    ] = None
    metadata: NoEffect = None
    reasoning: Reasoning | None = None
    user: NoEffect = None
    service_tier: NoEffect = None
    safety_identifier: NoEffect = None
    prompt_cache_key: NoEffect = None
    stream_options: NoEffect = None
    background: Annotated[None, refused(NO_STORE), BeforeValidator(not_false)] = None
    previous_response_id: Annotated[None, refused(NO_STORE)] = None
    conversation: Annotated[None, refused(NO_STORE)] = None
    prompt: Annotated[None, refused("there are no prompts stored on the server")] = None
    max_tool_calls: Annotated[None, refused("tools are called by the client")] = None
