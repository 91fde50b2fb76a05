"""The body of a request to /v1/messages. A field that is not known is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..chat.content import MOST_PARTS, Name, Strict, refused
from ..chat.schema import NoEffect
from ..jsonobjects import JsonObject

Stop = Annotated[str, Field(min_length=1, max_length=256)]
CacheControl = Annotated[Any, Field(description="accepted; prefixes are always cached")]


class TextBlock(Strict):
    """Some text."""

    type: Literal["text"]
    text: str
    cache_control: CacheControl = None
    citations: NoEffect = None


class Base64Source(Strict):
    """A picture's bytes."""

    type: Literal["base64"]
    media_type: Annotated[str, Field(pattern=r"^image/[\w.+-]+$")]
    data: str


class UrlSource(Strict):
    """Where a picture is."""

    type: Literal["url"]
    url: str


class ImageBlock(Strict):
    """A picture."""

    type: Literal["image"]
    source: Annotated[Base64Source | UrlSource, Field(discriminator="type")]
    cache_control: CacheControl = None


class ToolUseBlock(Strict):
    """A call that the assistant made in an earlier turn."""

    type: Literal["tool_use"]
    id: str
    name: Name
    input: JsonObject
    cache_control: CacheControl = None


class ToolResultBlock(Strict):
    """What a call gave."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: (
        str
        | Annotated[list[Annotated[TextBlock | ImageBlock, Field(discriminator="type")]], Field(max_length=MOST_PARTS)]
    ) = ""
    is_error: bool = False
    cache_control: CacheControl = None


Block = Annotated[TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock, Field(discriminator="type")]


class Turn(Strict):
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str | Annotated[list[Block], Field(min_length=1, max_length=MOST_PARTS)]


class Tool(Strict):
    """A tool; `input_schema` is the JSON Schema of its input."""

    type: Literal["custom"] | None = None
    name: Name
    description: str | None = None
    input_schema: JsonObject
    cache_control: CacheControl = None


class ToolChoice(Strict):
    """Which tools to call."""

    type: Literal["auto", "any", "tool", "none"]
    name: Name | None = None
    disable_parallel_tool_use: bool = False

    @model_validator(mode="after")
    def _named(self) -> ToolChoice:
        if (self.type == "tool") == (self.name is None):
            raise ValueError('a name belongs to the type "tool", and to no other')
        return self


class Thinking(Strict):
    """Whether the model is to think aloud first."""

    type: Literal["disabled"]


class CountRequest(Strict):
    """What the prompt is made of."""

    model: str
    messages: Annotated[list[Turn], Field(min_length=1, max_length=1000)]
    system: str | Annotated[list[TextBlock], Field(max_length=MOST_PARTS)] | None = None
    tools: Annotated[list[Tool] | None, Field(max_length=128)] = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None


class MessagesRequest(CountRequest):
    """A message request."""

    max_tokens: Annotated[int, Field(ge=1)]
    temperature: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1, allow_inf_nan=False)] = None
    top_k: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    stop_sequences: Annotated[list[Stop] | None, Field(max_length=16)] = None
    stream: bool = False
    metadata: NoEffect = None
    service_tier: NoEffect = None
    container: Annotated[None, refused("there is no server-side state")] = None
    mcp_servers: Annotated[None, refused("tools are called by the client")] = None
