"""A request of any endpoint in one form: messages, the pictures and videos in them, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..media.fetch.fetcher import RemotePicture
from ..models.defaults import SamplingDefaults
from ..models.videoplan import VideoOptions


@dataclass(frozen=True)
class PictureOptions:
    """How the model sees pictures and videos; None is what the model's own files say. Bounds of the pixels of a picture
    or of a video's frame; the most slices of one and whether pictures are numbered, in families that slice; frames for
    each second of a video, and its most frames."""

    min_pixels: int | None = None
    max_pixels: int | None = None
    max_slice_nums: int | None = None
    use_image_id: bool | None = None
    fps: float | None = None
    max_frames: int | None = None

    @property
    def of_videos(self) -> VideoOptions:
        """What of it is about videos."""
        return VideoOptions(self.fps, self.max_frames, self.min_pixels, self.max_pixels, self.max_slice_nums)


@dataclass(frozen=True)
class LocalFile:
    """A file of the server, by its path as the request names it."""

    path: str


Video = bytes | RemotePicture | LocalFile


@dataclass
class Conversation:
    """Messages in transformers' form, with a `{"type": "image"}` part for each of `pictures` (encoded files, or
    where to fetch them) and a `{"type": "video"}` part for each of `videos`.

    `tools` and `variables` are for the chat template; `continued` is the last message's text when the answer goes on
    with it.
    """

    messages: list[dict[str, Any]]
    pictures: Sequence[bytes | RemotePicture] = ()
    videos: Sequence[Video] = ()
    tools: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    continued: str = ""
    seen: PictureOptions = field(default_factory=PictureOptions)

    @property
    def appearing(self) -> list[str]:
        """The types "image" and "video" in the order in which such parts appear in the messages."""
        contents = [message.get("content") for message in self.messages]
        parts = [part for content in contents if isinstance(content, list) for part in content]
        return [part["type"] for part in parts if part["type"] in ("image", "video")]


@dataclass(frozen=True)
class Wishes:
    """How the client wants to be answered; None means the model's or the operator's default. `n` answers are wanted;
    `logprobs` is how many of the likeliest tokens are reported beside each chosen one, -1 for no reports."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
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

    def over(self, defaults: SamplingDefaults) -> SamplingDefaults:
        """The defaults with what is wished in their place."""
        wished = {name: getattr(self, name) for name in asdict(defaults)}
        return replace(defaults, **{name: value for name, value in wished.items() if value is not None})
