"""Samples as numbers: one token row per sample, in which several conversations share the pictures before them.

The shared tokens come first, then every branch; a token sees the shared ones and its own branch only, and a branch's
positions go on where the shared part ends, so each branch is computed as if it stood alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...models.prompt import Media, Prompt
from ...models.qwen_vl.geometry import rotary_positions, target_size
from ...models.qwen_vl.prompt import QwenVlPrompts
from .cells import Labels, labels
from .phrases import Turn
from .samples import Sample, messages

Picture = NDArray[np.uint8]

IGNORED = -100
"""The label of tokens that are not trained."""


@dataclass
class Row:
    """One sample: ids, labels, branch numbers (0 = shared) int [tokens], positions int [3, tokens]; for each picture,
    uint8 [height, width, 3] and the classes of its cells, int [cells, lessons]."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    branch: NDArray[np.int64]
    positions: NDArray[np.int64]
    pictures: list[NDArray[np.uint8]]
    cells: list[Labels]


class Encoder:
    """Turns samples into rows with the prompt code that the service itself uses. `pixels` are the least and the most
    pixels of a picture."""

    def __init__(self, prompts: QwenVlPrompts, pixels: tuple[int, int]) -> None:
        self.prompts = prompts
        self.pixels = pixels
        tokenizer = prompts.tokenizer
        self.factor = prompts.layout.patch * prompts.layout.merge
        self.opening = tokenizer.encode("<|im_start|>assistant\n")
        self.closing = tokenizer.special["<|im_end|>"]
        self.last_of_media = tokenizer.special["<|vision_end|>"]

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The (height, width) that a picture is resized to."""
        return target_size(height, width, self.factor, *self.pixels)

    def row(self, sample: Sample) -> Row:
        """The sample as one row."""
        pictures, cells = self.seen(sample)
        media = [Media("image", p.shape[0], p.shape[1]) for p in pictures]
        parts = [self.branch(sample, turns, media) for turns in sample.branches]
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
            np.concatenate(ids),
            np.concatenate(labels),
            np.concatenate(branch),
            np.concatenate(positions, 1),
            pictures,
            cells,
        )

    def seen(self, sample: Sample) -> tuple[list[NDArray[np.uint8]], list[Labels]]:
        """The sample's pictures as the model sees them, uint8 [height, width, 3], and the classes of their cells."""
        pictures = [resized(d.picture, *self.size(*d.picture.size)) for d in sample.drawings]
        cells = [
            labels(scene, drawing, picture.shape[0], picture.shape[1], self.factor)
            for scene, drawing, picture in zip(sample.scenes, sample.drawings, pictures, strict=True)
        ]
        return pictures, cells

    def branch(
        self, sample: Sample, turns: list[Turn], media: list[Media]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Ids, labels and positions of one conversation by itself."""
        prompt = self.prompts.build(messages(sample, turns), media, add_generation_prompt=False)
        spans = [(s.first, s.grid, s.step) for s in prompt.spans]
        positions, _ = rotary_positions(len(prompt.token_ids), spans, self.prompts.layout.merge)
        return np.array(prompt.token_ids), self.labels(prompt), positions

    def labels(self, prompt: Prompt) -> NDArray[np.int64]:
        """The ids of the assistant's words and of the token that ends them; IGNORED elsewhere."""
        ids = prompt.token_ids
        labels = np.full(len(ids), IGNORED, np.int64)
        at = 0
        while at < len(ids):
            if ids[at : at + len(self.opening)] != self.opening:
                at += 1
                continue
            start = at + len(self.opening)
            at = ids.index(self.closing, start) + 1
            labels[start:at] = ids[start:at]
        return labels

    def shared_length(self, branches: list[NDArray[np.int64]]) -> int:
        """Tokens before the first question that every branch begins with: up to the end of the pictures."""
        if len(branches) == 1:
            return 0
        ends = np.flatnonzero(branches[0] == self.last_of_media)
        return int(ends[-1]) + 1 if len(ends) else 0


def resized(picture: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """The picture at the size the model sees, bicubic, uint8 [height, width, 3]."""
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))
