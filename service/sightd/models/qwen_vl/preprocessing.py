"""What a checkpoint's preprocessor files say about pictures: pixel limits and normalisation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .geometry import target_size
from .prompt import Layout

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MIN_PIXELS, MAX_PIXELS = 56 * 56, 28 * 28 * 1280
"""What the Qwen2-VL image processor takes when a checkpoint says nothing."""


@dataclass(frozen=True)
class Preprocessing:
    """Pixel limits of one picture, and the mean and deviation (0-1 scale, RGB) it is normalised with."""

    min_pixels: int
    max_pixels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    factor: int

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The (height, width) that a picture of this size is resized to. Raises ValueError for extreme side ratios."""
        return target_size(height, width, self.factor, self.min_pixels, self.max_pixels)


def read_preprocessing(folder: Path, layout: Layout) -> Preprocessing:
    """The picture part of preprocessor_config.json, whichever of its historic spellings it uses."""
    path = folder / "preprocessor_config.json"
    content: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    size = content.get("size") or {}
    return Preprocessing(
        min_pixels=int(content.get("min_pixels") or size.get("shortest_edge") or MIN_PIXELS),
        max_pixels=int(content.get("max_pixels") or size.get("longest_edge") or MAX_PIXELS),
        mean=tuple(content.get("image_mean", CLIP_MEAN)),
        std=tuple(content.get("image_std", CLIP_STD)),
        factor=layout.patch * layout.merge,
    )
