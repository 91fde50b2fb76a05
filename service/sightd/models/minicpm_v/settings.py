"""What a MiniCPM checkpoint's own files say about it. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checkpoint import CheckpointError, read_json

VERSION = 2.6
"""The model types are shared by generations with other encoders, resamplers and language models."""
SPEECH = ("apm.", "audio_projection_layer.", "tts.")
"""How the names of the weights begin with which MiniCPM-o hears and speaks. They are not served and left out."""


@dataclass(frozen=True)
class Preprocessing:
    """The picture part of preprocessor_config.json. `mean` and `std` are on the 0-1 scale; `queries` is the number of
    tokens that stand for a picture or slice."""

    max_slice_nums: int
    scale_resolution: int
    patch: int
    queries: int
    use_image_id: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]


def read_config(folder: Path) -> dict[str, Any]:
    """config.json. Raises CheckpointError when it is missing or describes another generation of the family."""
    config = read_json(folder / "config.json")
    version = config.get("version", read_preprocessor_file(folder).get("version"))
    if str(version) != str(VERSION):
        raise CheckpointError(
            f"{folder / 'config.json'}: version {version!r} of {config.get('model_type')} is not supported; "
            f"of the MiniCPM family, MiniCPM-V {VERSION} and MiniCPM-o {VERSION} are."
        )
    return config


def read_preprocessing(folder: Path) -> Preprocessing:
    """What preprocessor_config.json says, with the reference's defaults. Raises CheckpointError."""
    content = read_preprocessor_file(folder)
    if not content.get("slice_mode", True):
        raise CheckpointError(f"{folder / 'preprocessor_config.json'}: slice_mode false is not supported.")
    return Preprocessing(
        max_slice_nums=int(content.get("max_slice_nums", 9)),
        scale_resolution=int(content.get("scale_resolution", 448)),
        patch=int(content.get("patch_size", 14)),
        queries=int(content.get("image_feature_size", 64)),
        use_image_id=bool(content.get("use_image_id", False)),
        mean=tuple(content.get("norm_mean", (0.5, 0.5, 0.5))),
        std=tuple(content.get("norm_std", (0.5, 0.5, 0.5))),
    )


def read_preprocessor_file(folder: Path) -> dict[str, Any]:
    """preprocessor_config.json, empty when there is none."""
    path = folder / "preprocessor_config.json"
    return read_json(path) if path.exists() else {}
