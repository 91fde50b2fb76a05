"""Loading a checkpoint's network, with failures as sentences. Imports torch and transformers."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from .checkpoint import CheckpointError
from .network import Network
from .wholeness import check


def load_network(folder: Path, device: torch.device, dtype: str, attention: str) -> tuple[str, Network]:
    """The family's name and its loaded network. `dtype` is "auto" or a torch name; `attention` is the name of the
    attention function in transformers. Raises CheckpointError when the checkpoint cannot be loaded whole."""
    transformers_logging.disable_progress_bar()
    name = check(folder)
    module = importlib.import_module(f"{__package__}.{name}.network")
    wanted = dtype if dtype == "auto" else getattr(torch, dtype)
    try:
        network: Network = module.load(folder, device, wanted, attention)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be loaded: {str(error).strip().splitlines()[0]}") from error
    return name, network
