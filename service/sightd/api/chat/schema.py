"""The body of a chat request. A field that is not known is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from ...errors import BadRequest
from ..invalid import problem
from ..jsonobjects import JsonObject
from .content import Message, Strict, refused
from .formats import ResponseFormat, StructuredOutputs, Word
from .tools import NamedTool, ToolChoice, Tools


class StreamOptions(Strict):
    """What a stream holds besides the text."""

    include_usage: bool = False
    continuous_usage_stats: Annotated[bool, Field(description="the usage so far in every chunk")] = False


class ProcessorOptions(Strict):
    """How pictures and videos are sampled, resized and sliced, within what the model's own files and the operator
    allow. Pixels are those of a picture or of a video's frame."""

    min_pixels: Annotated[int | None, Field(ge=1, description="least pixels of a picture as the model sees it")] = None
    max_pixels: Annotated[int | None, Field(ge=1, description="most pixels of a picture as the model sees it")] = None
    fps: Annotated[
        float | None, Field(gt=0, le=1000, allow_inf_nan=False, description="frames to see of each second of a video")
    ] = None
    max_frames: Annotated[int | None, Field(ge=1, description="most frames to see of a video")] = None
    max_slice_nums: Annotated[int | None, Field(ge=1, le=64, description="most slices, for models that slice")] = None
    use_image_id: Annotated[bool | None, Field(description="number the pictures, for models that slice")] = None


def not_false(value: Any) -> Any:
    """False asks for nothing, as null does."""
    return None if value is False else value


NoEffect = Annotated[Any, Field(description="accepted, no effect")]
Strings = Annotated[list[str], Field(fail_fast=True)]
TokenId = Annotated[str, Field(pattern=r"^\d{1,9}$")]
Bias = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
GUIDED = "use structured_outputs with the field "
NO_AUDIO = "the model neither hears nor speaks"
FUNCTIONS = "use tools and tool_choice"


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
    logprobs: Annotated[bool | None, Field(description="give the log probability of every token")] = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=20, description="and so many of the likeliest ones")] = None
    allowed_token_ids: Annotated[
        list[int] | None, Field(min_length=1, max_length=4096, description="no other tokens come")
    ] = None
    bad_words: Annotated[list[Word] | None, Field(max_length=256, description="texts that never come")] = None
    min_tokens: Annotated[int | None, Field(ge=0, description="no end before so many tokens")] = None
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: Annotated[bool | None, Field(description="whether there may be more than one call")] = None
    stop: Annotated[str | Strings | None, Field(description="up to 16 strings that end the answer")] = None
    stop_token_ids: Annotated[
        list[Annotated[int, Field(ge=0)]] | None,
        Field(max_length=1024, description="tokens that end the answer; those that the model does not have never do"),
    ] = None
    include_stop_str_in_output: Annotated[bool | None, Field(description="show what ended the answer")] = None
    skip_special_tokens: Annotated[bool | None, Field(description="true unless given")] = None
    ignore_eos: Annotated[bool | None, Field(description="go on after the model's end token")] = None
    add_generation_prompt: Annotated[bool | None, Field(description="begin an assistant's turn; true unless given")] = (
        None
    )
    continue_final_message: Annotated[bool | None, Field(description="go on with the last message")] = None
    echo: Annotated[bool | None, Field(description="begin with the last message when it is the assistant's")] = None
    chat_template_kwargs: Annotated[
        JsonObject | None, Field(description="variables that the model's chat template declares")
    ] = None
    enable_thinking: Annotated[bool | None, Field(description="for models whose template has it")] = None
    reasoning_effort: Annotated[str | None, Field(description="for models whose template has it")] = None
    mm_processor_kwargs: ProcessorOptions | None = None
    return_token_ids: Annotated[bool | None, Field(description="give the prompt's and the answer's token ids")] = None
    request_id: Annotated[
        str | None, Field(pattern=r"^[\w.:-]{1,128}$", description="makes the answer's id: chatcmpl-<request_id>")
    ] = None
    priority: Annotated[int | None, Field(ge=-1000, le=1000, description="lower values go first")] = None
    cache_salt: Annotated[
        str | None, Field(max_length=256, description="what is cached is shared among requests of the same salt only")
    ] = None
    n: Annotated[int | None, Field(ge=1, le=16, description="so many answers; number i has the seed `seed + i`")] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    modalities: Annotated[list[Literal["text"]] | None, Field(fail_fast=True, description="only text")] = None
    user: NoEffect = None
    store: NoEffect = None
    metadata: NoEffect = None
    service_tier: NoEffect = None
    safety_identifier: NoEffect = None
    prompt_cache_key: NoEffect = None
    audio: Annotated[None, refused(NO_AUDIO)] = None
    functions: Annotated[None, refused(FUNCTIONS)] = None
    function_call: Annotated[None, refused(FUNCTIONS)] = None
    web_search_options: Annotated[None, refused("sightd does not search the web")] = None
    prediction: Annotated[None, refused("there is no speculative decoding")] = None
    guided_json: Annotated[None, refused(GUIDED + "json")] = None
    guided_regex: Annotated[None, refused(GUIDED + "regex")] = None
    guided_choice: Annotated[None, refused(GUIDED + "choice")] = None
    guided_grammar: Annotated[None, refused(GUIDED + "grammar")] = None
    chat_template: Annotated[None, refused("a template is a program, and only the model's own runs here")] = None
    use_beam_search: Annotated[None, refused("ask for several answers with n"), BeforeValidator(not_false)] = None
    prompt_logprobs: Annotated[None, refused("only the answer's tokens have log probabilities; use logprobs")] = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def calls_tools(self) -> bool:
        """Whether the answer may call tools."""
        return bool(self.tools) and self.tool_choice != "none"

    @model_validator(mode="after")
    def _check(self) -> ChatRequest:
        if sum(message.role in ("system", "developer") for message in self.messages) > 1:
            raise problem("messages", "There is more than one system message; put all instructions into the first one")
        if len(self.stops) > 16 or any(not 0 < len(stop) <= 256 for stop in self.stops):
            raise problem("stop", "stop takes up to 16 strings of 1 to 256 characters")
        longest = self.max_completion_tokens or self.max_tokens
        if longest is not None and (self.min_tokens or 0) > longest:
            raise problem("min_tokens", "min_tokens is more than max_tokens")
        if self.top_logprobs and not self.logprobs:
            raise problem("top_logprobs", "top_logprobs needs logprobs to be true")
        if self.stream_options is not None and not self.stream:
            raise problem("stream_options", "stream_options needs stream to be true")
        return self

    @model_validator(mode="after")
    def _check_last_message(self) -> ChatRequest:
        if self.continue_final_message:
            if self.add_generation_prompt:
                raise problem(
                    "add_generation_prompt", "add_generation_prompt and continue_final_message cannot both be true"
                )
            if self.messages[-1].role != "assistant":
                raise problem(
                    "continue_final_message", "continue_final_message needs an assistant's message at the end"
                )
        elif self.messages[-1].role not in ("user", "tool", "assistant"):
            raise problem("messages", "The last message must be the user's")
        return self

    @model_validator(mode="after")
    def _check_tools(self) -> ChatRequest:
        names = [tool.function.name for tool in self.tools or ()]
        if len(set(names)) < len(names):
            raise problem("tools", "Two tools have the same name")
        if self.tool_choice not in (None, "none", "auto") and not names:
            raise problem("tool_choice", "tool_choice needs tools")
        if isinstance(self.tool_choice, NamedTool) and self.tool_choice.function.name not in names:
            raise problem(
                "tool_choice", f"tool_choice names {self.tool_choice.function.name!r}, which is not among the tools"
            )
        return self


def chat_request(fields: dict[str, Any]) -> ChatRequest:
    """The chat request that another endpoint's request means. Raises BadRequest for what only shows when it is put
    together."""
    try:
        return ChatRequest.model_validate(fields)
    except ValidationError as error:
        message = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise BadRequest(f"{message}.", f"{message}。", code="invalid_value") from error
