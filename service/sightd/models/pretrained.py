"""Loading a checkpoint into transformers' own network, whole or not at all. Imports torch and transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, PreTrainedModel

from .. import logs
from .fitting import check_pretrained, refuse_loaded
from .wholeness import listed

log = logs.get(__name__)


def load_pretrained(folder: Path, dtype: torch.dtype | str) -> PreTrainedModel:
    """The network with its weights, on the CPU. transformers gives random numbers to weights that are missing, so those
    and such of another shape raise CheckpointError; what the network has no place for is left out and logged."""
    # A network larger than the files would be made up in memory before anything is said.
    check_pretrained(folder)
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
