"""Loading a checkpoint into transformers' own network, whole or not at all. Imports torch and transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, PreTrainedModel

from .. import logs
from .wholeness import listed, refuse_misfits

log = logs.get(__name__)


def load_pretrained(folder: Path, dtype: torch.dtype | str) -> PreTrainedModel:
    """The network with its weights, on the CPU. transformers gives random numbers to weights that are missing, so those
    and such of another shape raise CheckpointError; what the network has no place for is left out and logged."""
    loaded: Any = AutoModelForImageTextToText.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    model, found = loaded
    refuse_loaded(folder, found)
    if found["unexpected_keys"]:
        names = sorted(found["unexpected_keys"])
        log.warning("weights left out: the network has no place for them", weights=len(names), names=listed(names))
    assert isinstance(model, PreTrainedModel)
    return model


def refuse_loaded(folder: Path, found: dict[str, Any]) -> None:
    """Raise CheckpointError when transformers' report of loading names weights that are missing or of another shape."""
    shapes = [f"{name} {list(has)} instead of {list(wants)}" for name, has, wants in sorted(found["mismatched_keys"])]
    refuse_misfits(folder, {"missing": sorted(found["missing_keys"]), "of another shape": shapes})
