"""[model]: which checkpoint is served, and under which names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from .fields import AbsolutePath, Section, Strings

EMBEDDED = "embedded"
"""The value of `model.path` that stands for the model that comes with sightd."""


class Model(Section):
    """Which checkpoint is served, and under which names."""

    path: str = Field(EMBEDDED, min_length=1, description=f'a checkpoint folder, or "{EMBEDDED}" for sightd\'s own')
    store: AbsolutePath = Field(
        Path("/var/lib/sightd/models"), description="where `sightctl model` keeps the checkpoints it fetched"
    )
    served_names: Strings = Field((), description="more names for the model, besides its folder's name and path")
    accept_any_name: bool = Field(False, description="serve requests for any model name")
    load: Literal["start", "first_request"] = Field(
        "start", description="when the model is loaded; first_request keeps the device free until it is needed"
    )
    unload_minutes: float = Field(
        0.0, ge=0, le=525_600, description="unload the model after so many idle minutes, load it on demand; 0: never"
    )
    quantization: Literal["none", "int8", "int4"] = Field(
        "none", description="quantise the language model while it is loaded: less memory, answers slightly different"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="number format of the weights; auto takes the checkpoint's own"
    )
