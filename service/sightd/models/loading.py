"""Loading a checkpoint's network, with failures as sentences. Imports torch and transformers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from .checkpoint import CheckpointError, first_line
from .generic.network import GenericNetwork
from .network import Network
from .quantising import stored_quantisation
from .wholeness import check

LIBRARIES_RAISE = (
    ArithmeticError, AttributeError, ImportError, LookupError, OSError, RuntimeError, SafetensorError, TypeError,
    ValueError,
)  # fmt: skip
"""What comes of files that nobody expected."""


def load_network(
    folder: Path, device: torch.device, dtype: str, attention: str, quantization: str = "none"
) -> tuple[str, Network | GenericNetwork]:
    """The family's name and its loaded network. `dtype` is "auto" or a torch name; `attention` is the name of the
    attention function in transformers; `quantization` is what is to be done to the language model (see
    `quantising.quantise`). Raises CheckpointError when the checkpoint cannot be loaded whole."""
    transformers_logging.disable_progress_bar()
    name, stored = check(folder), stored_quantisation(folder)
    # MiniCPM's four-bit weights become ordinary ones as they are read.
    if stored is not None and quantization != "none" and name != "minicpm_v":
        raise CheckpointError(
            f"{folder} is quantised already ({stored}): leave model.quantization out, or take the full checkpoint."
        )
    module = importlib.import_module(f"{__package__}.{name}.network")
    wanted = dtype if dtype == "auto" else getattr(torch, dtype)
    with refusals(folder, alternatives(stored, device)):
        network: Network | GenericNetwork = module.load(folder, device, wanted, attention, quantization)
    return name, network


def check_fit(folder: Path) -> str:
    """The family of a checkpoint that an engine would load, as far as that is known without reading weights: a whole
    folder, weights of the names and shapes that config.json describes, and a processor that can be made. Raises
    CheckpointError."""
    transformers_logging.disable_progress_bar()
    name = check(folder)
    module = importlib.import_module(f"{__package__}.{name}.network")
    with refusals(folder):
        module.check_fit(folder)
    return name


@contextmanager
def refusals(folder: Path, instead: str = "") -> Iterator[None]:
    """Raise what libraries say of a checkpoint as CheckpointError, with a sentence on what else there is."""
    try:
        yield
    except LIBRARIES_RAISE as error:
        raise CheckpointError(f"{folder} cannot be loaded: {first_line(error)}.{instead}") from error


def alternatives(stored: str | None, device: torch.device) -> str:
    """What else there is when a checkpoint that is quantised in this way does not load."""
    if stored is None:
        return ""
    return (
        f" Its weights are quantised ({stored}), which this machine cannot use on {device}: install what is missing, "
        'take a device that can, or take the full checkpoint, with model.quantization = "int8" or "int4" if it is '
        "too large."
    )
