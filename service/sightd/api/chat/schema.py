"""The body of a chat request. A field that is not known is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """A JSON object without unknown fields and without silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(Strict):
    """Some text."""

    type: Literal["text"]
    text: str


class ImageUrl(Strict):
    """Where a picture is."""

    url: Annotated[str, Field(description="data:image/...;base64,...")]
    detail: Annotated[Literal["auto", "low", "high"], Field(description="accepted, no effect")] = "auto"


class ImagePart(Strict):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(Strict):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]
    name: Annotated[str | None, Field(description="accepted, no effect")] = None


class StreamOptions(Strict):
    """What a stream holds besides the text."""

    include_usage: bool = False


Word = Annotated[str, Field(min_length=1, max_length=256)]


class JsonSchema(Strict):
    """A named schema for the answer."""

    name: Annotated[str, Field(max_length=64)] = "answer"
    description: Annotated[str | None, Field(description="accepted, no effect")] = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
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

    json_: Annotated[dict[str, Any] | str | None, Field(alias="json", description="a JSON Schema")] = None
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


TokenId = Annotated[str, Field(pattern=r"^\d{1,9}$")]
Bias = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class ChatRequest(Strict):
    """A chat completion request."""

    model: Annotated[str | None, Field(description="a name from /v1/models; the served model when left out")] = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=1000)]
    max_tokens: Annotated[int | None, Field(ge=1, description="longest answer in tokens")] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1, description="newer name of max_tokens")] = None
    temperature: Annotated[float | None, Field(ge=0, le=2, allow_inf_nan=False, description="0 is greedy")] = None
    top_p: Annotated[float | None, Field(gt=0, le=1, allow_inf_nan=False)] = None
    top_k: Annotated[int | None, Field(ge=-1, le=1_000_000, description="0 and -1 do not restrict")] = None
    min_p: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False)] = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**64)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2, allow_inf_nan=False)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2, allow_inf_nan=False)] = None
    repetition_penalty: Annotated[float | None, Field(gt=0, le=10, allow_inf_nan=False)] = None
    logit_bias: Annotated[
        dict[TokenId, Bias] | None, Field(max_length=1024, description="added to these tokens' logits")
    ] = None
    allowed_token_ids: Annotated[
        list[int] | None, Field(min_length=1, max_length=4096, description="no other tokens come")
    ] = None
    bad_words: Annotated[list[Word] | None, Field(max_length=256, description="texts that never come")] = None
    min_tokens: Annotated[int | None, Field(ge=0, description="no end before so many tokens")] = None
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    stop: Annotated[str | list[str] | None, Field(description="up to 16 strings that end the answer")] = None
    stop_token_ids: Annotated[list[int] | None, Field(max_length=1024, description="tokens that end the answer")] = None
    ignore_eos: Annotated[bool | None, Field(description="go on after the model's end token")] = None
    priority: Annotated[int | None, Field(ge=-1000, le=1000, description="lower values go first")] = None
    cache_salt: Annotated[
        str | None, Field(max_length=256, description="what is cached is shared among requests of the same salt only")
    ] = None
    n: Annotated[Literal[1] | None, Field(description="only 1")] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[Any, Field(description="accepted, no effect")] = None
    store: Annotated[Any, Field(description="accepted, no effect")] = None
    metadata: Annotated[Any, Field(description="accepted, no effect")] = None
    service_tier: Annotated[Any, Field(description="accepted, no effect")] = None
    safety_identifier: Annotated[Any, Field(description="accepted, no effect")] = None
    prompt_cache_key: Annotated[Any, Field(description="accepted, no effect")] = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @model_validator(mode="after")
    def _check(self) -> ChatRequest:
        if sum(message.role in ("system", "developer") for message in self.messages) > 1:
            raise ValueError("there is more than one system message; put all instructions into the first one")
        if self.messages[-1].role not in ("user",):
            raise ValueError("the last message must be the user's")
        if len(self.stops) > 16 or any(not 0 < len(stop) <= 256 for stop in self.stops):
            raise ValueError("stop takes up to 16 strings of 1 to 256 characters")
        longest = self.max_completion_tokens or self.max_tokens
        if longest is not None and (self.min_tokens or 0) > longest:
            raise ValueError("min_tokens is more than max_tokens")
        return self
