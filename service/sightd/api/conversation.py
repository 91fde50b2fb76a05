"""A request of any endpoint in one form: messages, the pictures in them, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config.limits import Limits
from ..errors import BadRequest, TooLarge, Unprocessable
from ..models.defaults import SamplingDefaults


@dataclass
class Conversation:
    """Messages in transformers' form, with a `{"type": "image"}` part for each of `pictures` (encoded files).

    `tools` and `variables` are for the chat template; `continued` is the last message's text when the answer goes on
    with it; `pixels` bounds the pixels of a picture as the model sees it, None where the model's own bound holds.
    """

    messages: list[dict[str, Any]]
    pictures: list[bytes] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    continued: str = ""
    pixels: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True)
class Wishes:
    """How the client wants to be answered; None means the model's or the operator's default. `n` answers are wanted;
    `logprobs` is how many of the likeliest tokens are reported beside each chosen one, -1 for no reports."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float = 0.0
    seed: int | None = None
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    allowed_token_ids: tuple[int, ...] = ()
    bad_words: tuple[str, ...] = ()
    min_tokens: int = 0
    grammar: str = ""
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    include_stop: bool = False
    skip_special: bool = True
    logprobs: int = -1
    n: int = 1
    priority: int = 0
    cache_salt: str = ""

    def with_defaults(self, defaults: SamplingDefaults) -> tuple[float, float, int]:
        """Temperature, top-p and top-k with the model's defaults filled in."""
        return (
            defaults.temperature if self.temperature is None else self.temperature,
            defaults.top_p if self.top_p is None else self.top_p,
            defaults.top_k if self.top_k is None else self.top_k,
        )


def check_pictures(pictures: list[bytes], limits: Limits) -> None:
    """Refuse empty, too large and too many pictures before anything is decoded."""
    if len(pictures) > limits.images:
        raise Unprocessable(
            f"The request has {len(pictures)} pictures; at most {limits.images} are allowed.",
            f"请求包含 {len(pictures)} 张图片，最多允许 {limits.images} 张。",
            code="too_many_images",
        )
    for data in pictures:
        if not data:
            raise BadRequest("A picture is empty (0 bytes).", "上传的图片是空文件。", code="invalid_image")
        if len(data) > limits.image_bytes:
            raise TooLarge(
                f"A picture has {len(data)} bytes; at most {limits.image_bytes} are allowed.",
                f"图片大小为 {len(data)} 字节，超过了 {limits.image_bytes} 字节的限制。",
                code="image_too_large",
            )
