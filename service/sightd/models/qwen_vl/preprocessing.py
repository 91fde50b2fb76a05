"""What a checkpoint's preprocessor files say about pictures and videos: pixel limits, sampling and normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checkpoint import read_json
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
    """The picture part of processor_config.json or preprocessor_config.json, whichever of its historic spellings it
    uses. Raises CheckpointError for a file that cannot be read."""
    content = section(folder, "image_processor", ("preprocessor_config.json",))
    size = content.get("size") or {}
    return Preprocessing(
        min_pixels=int(content.get("min_pixels") or size.get("shortest_edge") or MIN_PIXELS),
        max_pixels=int(content.get("max_pixels") or size.get("longest_edge") or MAX_PIXELS),
        mean=tuple(content.get("image_mean", CLIP_MEAN)),
        std=tuple(content.get("image_std", CLIP_STD)),
        factor=layout.patch * layout.merge,
    )


FPS, MIN_FRAMES, MAX_FRAMES = 2.0, 4, 768
VIDEO_MIN, VIDEO_MAX = 128, 768
"""What the video processors take when a checkpoint says nothing; the pixels are those of so many tokens."""


def read_video_numbers(folder: Path, layout: Layout) -> dict[str, Any]:
    """The video part, as `video.Sampling` has it but for the operator's bounds: from processor_config.json,
    video_preprocessor_config.json or, as the reference does without these, preprocessor_config.json."""
    content = section(folder, "video_processor", ("video_preprocessor_config.json", "preprocessor_config.json"))
    size = content.get("size") or {}
    factor = layout.patch * layout.merge
    least = int(content.get("min_pixels") or size.get("shortest_edge") or VIDEO_MIN * factor**2)
    most = int(content.get("max_pixels") or size.get("longest_edge") or VIDEO_MAX * factor**2)
    return {
        "whole": layout.timestamps,
        "factor": factor,
        "temporal": layout.temporal,
        "fps": float(content.get("fps") or FPS),
        "min_frames": int(content.get("min_frames") or MIN_FRAMES),
        "max_frames": int(content.get("max_frames") or MAX_FRAMES),
        "min_pixels": least,
        "max_pixels": most,
        "frame_pixels": (factor**2 if layout.timestamps else least, most),
    }


def section(folder: Path, part: str, files: Sequence[str]) -> dict[str, Any]:
    """What the checkpoint says about pictures or videos: that part of processor_config.json, where transformers writes
    it since version 5, else the first of the files that is there."""
    for name in ("processor_config.json", *files):
        content = read_json(folder / name) if (folder / name).exists() else {}
        found = content.get(part) if name == "processor_config.json" else content
        if isinstance(found, dict) and found:
            return found
    return {}
