"""From messages to token ids for Qwen2-VL, Qwen2.5-VL and Qwen3-VL, placeholders and their places included.

Held to transformers' processors by the parity tests: the same ids for the same conversation and sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint import read_json
from ..families import Batching
from ..prompt import Media, Prompt, Span
from ..template import ChatTemplate, Message, up_to
from ..tokenizer import Tokenizer
from .geometry import Grid

IMAGE, VIDEO = "<|image_pad|>", "<|video_pad|>"
START, END = "<|vision_start|>", "<|vision_end|>"


@dataclass(frozen=True)
class Layout:
    """How a checkpoint cuts frames into tokens: `timestamps` is how Qwen3-VL marks the time of video frames,
    `tokens_per_second` how Qwen2.5-VL does (0 where the family does not)."""

    patch: int
    merge: int
    temporal: int
    timestamps: bool
    tokens_per_second: float

    def grid(self, media: Media) -> Grid:
        """Patches of a resized picture or video."""
        frames = -(-media.frames // self.temporal)
        return frames, media.height // self.patch, media.width // self.patch

    def tokens(self, grid: Grid) -> int:
        """Placeholder tokens of a grid."""
        return grid[0] * grid[1] * grid[2] // self.merge**2


class QwenVlPrompts:
    """Builds prompts for one checkpoint."""

    batching: Batching = "continuous"

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, layout: Layout) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.layout = layout
        ids = [tokenizer.id_of(token) for token in (IMAGE, VIDEO, START, END)]
        if None in ids:
            raise ValueError(f"The tokenizer lacks one of the vision tokens {IMAGE}, {VIDEO}, {START}, {END}.")
        self.image_id, self.video_id = ids[0], ids[1]

    def build(
        self,
        messages: Sequence[Message],
        media: Sequence[Media] = (),
        tools: Sequence[dict[str, Any]] | None = None,
        continued: str = "",
        **variables: Any,
    ) -> Prompt:
        """The prompt of a conversation whose pictures and videos are `media`, in order of appearance. It ends after
        the text `continued` of the last message, if that is given.

        Raises jinja2.TemplateError when the template refuses the conversation, ValueError when it drops or repeats
        a picture.
        """
        guard = self.tokenizer.guard
        text = self.template.render(guard(list(messages)), guard(list(tools)) if tools else None, **variables)
        if continued:
            text = up_to(text, guard(continued))
        text = self._expand_videos(text, [m for m in media if m.kind == "video"])
        return self._place(self.tokenizer.encode_guarded(text), media)

    def _expand_videos(self, text: str, videos: Sequence[Media]) -> str:
        parts = text.split(VIDEO)
        if len(parts) != len(videos) + 1:
            raise ValueError("the chat template did not place every video once")
        expanded = [self._video_text(video) + part for video, part in zip(videos, parts[1:], strict=True)]
        return parts[0] + "".join(expanded)

    def _video_text(self, video: Media) -> str:
        grid = self.layout.grid(video)
        if not self.layout.timestamps:
            return VIDEO * self.layout.tokens(grid)
        one = VIDEO * self.layout.tokens((1, grid[1], grid[2]))
        return "".join(f"<{time:.1f} seconds>{START}{one}{END}" for time in self._patch_times(video))

    def _patch_times(self, video: Media) -> list[float]:
        """The middle of each temporal patch in seconds; the last frame is repeated to fill its patch."""
        size = self.layout.temporal
        times = list(video.times) + [video.times[-1]] * (-len(video.times) % size)
        return [(times[i] + times[i + size - 1]) / 2 for i in range(0, len(times), size)]

    def _place(self, ids: list[int], media: Sequence[Media]) -> Prompt:
        token_ids: list[int] = []
        spans: list[Span] = []
        images = iter([i for i, m in enumerate(media) if m.kind == "image"])
        videos = _Runs([i for i, m in enumerate(media) if m.kind == "video"])
        for token in ids:
            if token == self.image_id:
                index = next(images, None)
                if index is None:
                    raise ValueError("the chat template asked for more pictures than there are")
                grid = self.layout.grid(media[index])
                spans.append(Span(index, len(token_ids), self.layout.tokens(grid), 0, grid))
                token_ids += [token] * self.layout.tokens(grid)
            else:
                if token == self.video_id and (not token_ids or token_ids[-1] != token):
                    spans.append(self._video_span(videos, media, len(token_ids)))
                token_ids.append(token)
        if next(images, None) is not None or videos.left:
            raise ValueError("the chat template left out a picture or a video")
        return Prompt(token_ids, spans)

    def _video_span(self, runs: _Runs, media: Sequence[Media], first: int) -> Span:
        index = runs.current
        video = media[index]
        frames, rows, columns = self.layout.grid(video)
        if not self.layout.timestamps:
            runs.advance(1)
            return Span(
                index, first, self.layout.tokens((frames, rows, columns)), 0, (frames, rows, columns), self._step(video)
            )
        length = self.layout.tokens((1, rows, columns))
        span = Span(index, first, length, runs.done * length, (1, rows, columns))
        runs.advance(frames)
        return span

    def _step(self, video: Media) -> float:
        """Rotary positions between temporal patches, in the reference's precision."""
        if not self.layout.tokens_per_second:
            return 1.0
        return float(np.float32(self.layout.tokens_per_second) * np.float32(self.layout.temporal * video.period))


class _Runs:
    """Which video the next run of placeholders belongs to, and how many of its runs have passed."""

    def __init__(self, indices: list[int]) -> None:
        self.left = indices
        self.done = 0

    @property
    def current(self) -> int:
        if not self.left:
            raise ValueError("the chat template asked for more videos than there are")
        return self.left[0]

    def advance(self, runs: int) -> None:
        self.done += 1
        if self.done >= runs:
            self.left, self.done = self.left[1:], 0


def read_layout(folder: Path) -> Layout:
    """The layout that a checkpoint's config.json and preprocessor_config.json describe."""
    config = read_json(folder / "config.json")
    vision = config.get("vision_config", {})
    family = config.get("model_type", "")
    timestamps = family.startswith("qwen3_vl")
    return Layout(
        patch=int(vision.get("patch_size", 16 if timestamps else 14)),
        merge=int(vision.get("spatial_merge_size", 2)),
        temporal=int(vision.get("temporal_patch_size", 2)),
        timestamps=timestamps,
        tokens_per_second=float(vision.get("tokens_per_second", 0)) if family == "qwen2_5_vl" else 0.0,
    )
