"""The messages of a chat request and the parts that they are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MOST_FIELDS = 128
"""Fields of an object: more than any has, and few enough for an error about each that is unknown."""


class Strict(BaseModel):
    """A JSON object without unknown fields and without silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > MOST_FIELDS:
            raise ValueError(f"it has {len(value)} fields; no object here has more than {MOST_FIELDS}")
        return value


def refused(reason: str) -> BeforeValidator:
    """A validator for fields that are known and not supported; null is what many clients send for "not given"."""

    def check(value: Any) -> None:
        if value is not None:
            raise ValueError(f"it is not supported: {reason}")

    return BeforeValidator(check)


NO_FILES = "no files are kept on the server; send the picture as a data: URI"
NO_PATHS = "no files of the server are read; send the file as a data: URI"


class TextPart(Strict):
    """Some text."""

    type: Literal["text", "input_text", "output_text"]
    text: str


class ImageUrl(Strict):
    """Where a picture is."""

    url: Annotated[str, Field(description="data:image/...;base64,..., http:// or https://")]
    detail: Annotated[Literal["auto", "low", "high"] | None, Field(description="accepted, no effect")] = "auto"


def as_object(value: Any) -> Any:
    """Some clients leave the object round a URL out."""
    return {"url": value} if isinstance(value, str) else value


class ImageUrlPart(Strict):
    """A picture as OpenAI's chat API has it."""

    type: Literal["image_url"]
    image_url: Annotated[ImageUrl, BeforeValidator(as_object)]

    @property
    def url(self) -> tuple[str, str]:
        """The picture's URL, and the field that it stands in."""
        return self.image_url.url, "image_url.url"


class InputImagePart(Strict):
    """A picture as OpenAI's responses API has it."""

    type: Literal["input_image"]
    image_url: str
    file_id: Annotated[None, refused(NO_FILES)] = None
    detail: Annotated[Literal["auto", "low", "high"] | None, Field(description="accepted, no effect")] = "auto"

    @property
    def url(self) -> tuple[str, str]:
        """The picture's URL, and the field that it stands in."""
        return self.image_url, "image_url"


class ImagePart(Strict):
    """A picture as transformers' chat format has it: exactly one of the fields."""

    type: Literal["image"]
    image: str | None = None
    url_: Annotated[str | None, Field(alias="url")] = None
    base64: str | None = None
    path: Annotated[None, refused(NO_PATHS)] = None

    @model_validator(mode="after")
    def _one(self) -> ImagePart:
        if sum(value is not None for value in (self.image, self.url_, self.base64)) != 1:
            raise ValueError("give the picture in exactly one of image, url and base64")
        return self

    @property
    def url(self) -> tuple[str, str]:
        """The picture's URL, and the field that it stands in."""
        if self.base64 is not None:
            return f"data:image/unknown;base64,{self.base64}", "base64"
        return (self.image, "image") if self.image is not None else (str(self.url_), "url")


class VideoUrl(Strict):
    """Where a video is."""

    url: Annotated[str, Field(description="data:video/...;base64,..., http:// or https://")]


class VideoUrlPart(Strict):
    """A video as vLLM's and other servers' chat APIs have it."""

    type: Literal["video_url"]
    video_url: VideoUrl

    @property
    def url(self) -> tuple[str, str]:
        """The video's URL, and the field that it stands in."""
        return self.video_url.url, "video_url.url"


class VideoPart(Strict):
    """A video as transformers' chat format has it: exactly one of the fields."""

    type: Literal["video"]
    video: str | None = None
    url_: Annotated[str | None, Field(alias="url")] = None
    base64: str | None = None
    path: Annotated[None, refused(NO_PATHS)] = None

    @model_validator(mode="after")
    def _one(self) -> VideoPart:
        if sum(value is not None for value in (self.video, self.url_, self.base64)) != 1:
            raise ValueError("give the video in exactly one of video, url and base64")
        return self

    @property
    def url(self) -> tuple[str, str]:
        """The video's URL, and the field that it stands in."""
        if self.base64 is not None:
            return f"data:video/unknown;base64,{self.base64}", "base64"
        return (self.video, "video") if self.video is not None else (str(self.url_), "url")


Part = Annotated[
    TextPart | ImageUrlPart | InputImagePart | ImagePart | VideoUrlPart | VideoPart, Field(discriminator="type")
]

MOST_PARTS = 1000
Parts = Annotated[list[Part], Field(max_length=MOST_PARTS)]
Name = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]


class CalledFunction(Strict):
    """Which function was called, and its arguments as JSON text."""

    name: Name
    arguments: str


class ToolCall(Strict):
    """A call that the assistant made in an earlier turn."""

    id: str | None = None
    index: int | None = None
    type: Literal["function"] = "function"
    function: CalledFunction


def nothing(value: Any) -> None:
    """Accept null and empty values only: what clients send back with an answer they were given."""
    if any(value.values()) if isinstance(value, dict) else value:
        raise ValueError("this is not supported in a message")


Nothing = Annotated[Any, BeforeValidator(nothing), Field(description="only null or empty")]


class Message(Strict):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | Parts | None = None
    name: Annotated[str | None, Field(description="accepted, no effect")] = None
    tool_calls: Annotated[list[ToolCall] | None, Field(max_length=128)] = None
    tool_call_id: str | None = None
    refusal: Nothing = None
    audio: Nothing = None
    annotations: Nothing = None
    function_call: Nothing = None
    reasoning: Nothing = None
    reasoning_content: Nothing = None
    provider_specific_fields: Nothing = None

    @model_validator(mode="after")
    def _check(self) -> Message:
        if self.tool_calls and self.role != "assistant":
            raise ValueError("only an assistant's message has tool_calls")
        if self.content is None and not self.tool_calls:
            raise ValueError("content is missing")
        return self
