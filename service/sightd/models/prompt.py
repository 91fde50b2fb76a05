"""What a prompt is, whatever the family: token ids, and where in them pictures and videos belong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Media:
    """One picture or video as the model will see it, after resizing.

    `frames`, `height`, `width` are in pixels of the resized frames (a picture has one frame); `times` are the
    seconds at which a video's frames were taken, and `period` how many seconds of it there are for each. In families
    that slice, each frame is followed by its slices in a `grid` of (columns, rows), (0, 0) where it has none.
    """

    kind: Literal["image", "video"]
    height: int
    width: int
    frames: int = 1
    times: tuple[float, ...] = ()
    period: float = 1.0
    grid: tuple[int, int] = (0, 0)

    @property
    def slices(self) -> int:
        """Slices of each frame."""
        return self.grid[0] * self.grid[1]


@dataclass(frozen=True)
class Span:
    """A run of placeholder tokens: `length` of them from index `first` take the features of the engine's medium number
    `media` from its feature `offset` on; what is sliced is two media, the frames and the slices. `grid` is the run's
    (frames, rows, columns) in patches, `step` its time step."""

    media: int
    first: int
    length: int
    offset: int
    grid: tuple[int, int, int]
    step: float = 1.0


@dataclass(frozen=True)
class Prompt:
    """A prompt ready for the engine. Where only the engine can make the token ids there are none at first, and
    `conversation` is what it reads: JSON with `messages`, `tools`, `continued` (whether the answer goes on with the
    last message) and `variables` of the chat template."""

    token_ids: list[int]
    spans: list[Span] = field(default_factory=list)
    conversation: str = ""
