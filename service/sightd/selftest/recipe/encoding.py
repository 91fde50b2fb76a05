"""Samples as numbers: one token row per sample, in which several conversations share the pictures before them.

The shared tokens come first, then every branch; a token sees the shared ones and its own branch only, and a branch's
positions go on where the shared part ends, so each branch is computed as if it stood alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...models.prompt import Media, Prompt
from ...models.qwen_vl.geometry import rotary_positions, target_size
from ...models.qwen_vl.prompt import QwenVlPrompts
from .phrases import Turn
from .questions.structured import Forced
from .samples import Sample, messages

IGNORED = -100
"""The label of tokens that are not trained."""


@dataclass
class Row:
    """One sample: ids, labels, branch numbers (0 = shared) int [tokens], positions int [3, tokens], uint8 frames per medium."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    branch: NDArray[np.int64]
    positions: NDArray[np.int64]
    frames: list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Limits:
    """The pixel limits of pictures and of whole films."""

    image: tuple[int, int]
    video: tuple[int, int]


class Encoder:
    """Turns samples into rows with the prompt code that the service itself uses."""

    def __init__(self, prompts: QwenVlPrompts, limits: Limits) -> None:
        self.prompts = prompts
        self.limits = limits
        tokenizer = prompts.tokenizer
        self.factor = prompts.layout.patch * prompts.layout.merge
        self.opening = tokenizer.encode("<|im_start|>assistant\n")
        self.closing = tokenizer.special["<|im_end|>"]
        self.last_of_media = tokenizer.special["<|vision_end|>"]

    def size(self, width: int, height: int, frames: int = 1) -> tuple[int, int]:
        """The (height, width) that a picture or a film's frames are resized to."""
        low, high = self.limits.image if frames == 1 else tuple(limit // frames for limit in self.limits.video)
        return target_size(height, width, self.factor, low, high)

    def row(self, sample: Sample) -> Row:
        """The sample as one row."""
        frames = self.frames(sample)
        media = [
            Media("video" if sample.times else "image", f.shape[1], f.shape[2], f.shape[0], tuple(sample.times or ()))
            for f in frames
        ]
        parts = [self.branch(sample, turns, media) for turns in (sample.branches or [[]])]
        shared = self.shared_length([ids for ids, _, _ in parts])
        first_ids, _, first_positions = parts[0]
        ids, branch, positions = [first_ids[:shared]], [np.zeros(shared, np.int64)], [first_positions[:, :shared]]
        labels = [np.full(shared, IGNORED, np.int64)]
        for number, (part_ids, part_labels, part_positions) in enumerate(parts, 1):
            ids.append(part_ids[shared:])
            labels.append(part_labels[shared:])
            branch.append(np.full(len(part_ids) - shared, number, np.int64))
            positions.append(part_positions[:, shared:])
        return Row(
            np.concatenate(ids), np.concatenate(labels), np.concatenate(branch), np.concatenate(positions, 1), frames
        )

    def frames(self, sample: Sample) -> list[NDArray[np.uint8]]:
        """Resized frames per medium, uint8 [frames, height, width, 3]."""
        if sample.times is not None:
            height, width = self.size(*sample.pictures[0].size, len(sample.pictures))
            return [np.stack([resized(picture, width, height) for picture in sample.pictures])]
        sizes = [self.size(*picture.size) for picture in sample.pictures]
        return [resized(p, w, h)[None] for p, (h, w) in zip(sample.pictures, sizes, strict=True)]

    def branch(
        self, sample: Sample, turns: list[Turn], media: list[Media]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Ids, labels and positions of one conversation by itself."""
        tools = sample.exchange.tools if sample.exchange else None
        prompt = self.prompts.build(messages(sample, turns), media, tools, add_generation_prompt=False)
        spans = [(s.first, s.grid, s.step) for s in prompt.spans]
        positions, _ = rotary_positions(len(prompt.token_ids), spans, self.prompts.layout.merge)
        return np.array(prompt.token_ids), self.labels(prompt, turns), positions

    def labels(self, prompt: Prompt, turns: list[Turn]) -> NDArray[np.int64]:
        """The ids of the assistant's words and of the token that ends them; IGNORED elsewhere."""
        ids = prompt.token_ids
        labels = np.full(len(ids), IGNORED, np.int64)
        answers = iter(turns)
        at = 0
        while at < len(ids):
            if ids[at : at + len(self.opening)] != self.opening:
                at += 1
                continue
            start = at + len(self.opening)
            end = ids.index(self.closing, start) + 1
            labels[start:end] = ids[start:end]
            turn = next(answers, None)
            if isinstance(turn, Forced):
                labels[start : end - 1][~self.counted(turn)] = IGNORED
            at = end
        return labels

    def counted(self, turn: Forced) -> NDArray[np.bool_]:
        """Which tokens of a forced answer overlap the characters that count."""
        offsets = self.prompts.tokenizer.offsets(turn.answer)
        return np.array([any(start < stop and begin < end for begin, stop in turn.spans) for start, end in offsets])

    def shared_length(self, branches: list[NDArray[np.int64]]) -> int:
        """Tokens before the first question that every branch begins with: up to the end of the pictures."""
        if len(branches) == 1:
            return 0
        ends = np.flatnonzero(branches[0] == self.last_of_media)
        return int(ends[-1]) + 1 if len(ends) else 0


def resized(picture: Image.Image, width: int, height: int) -> NDArray[np.uint8]:
    """The picture at the size the model sees, bicubic, uint8 [height, width, 3]."""
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))


def padded(rows: list[Row], pad: int) -> dict[str, Any]:
    """Rows as one batch: ids, labels, branch int64 [rows, tokens], positions int64 [3, rows, tokens]; padding is branch -1."""
    longest = max(len(row.ids) for row in rows)
    ids = np.full((len(rows), longest), pad, np.int64)
    labels = np.full((len(rows), longest), IGNORED, np.int64)
    branch = np.full((len(rows), longest), -1, np.int64)
    positions = np.zeros((3, len(rows), longest), np.int64)
    for index, row in enumerate(rows):
        length = len(row.ids)
        ids[index, :length], labels[index, :length], branch[index, :length] = row.ids, row.labels, row.branch
        positions[:, index, :length] = row.positions
    return {
        "ids": ids,
        "labels": labels,
        "branch": branch,
        "positions": positions,
        "frames": [f for row in rows for f in row.frames],
    }
