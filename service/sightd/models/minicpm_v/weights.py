"""A MiniCPM checkpoint's weights as its modules name them, and what is wrong with them if they do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from ... import logs
from ..checkpoint import CheckpointError
from ..fourbit import COMPANIONS, STATES, dequantise
from ..wholeness import refuse_misfits, weight_files

SPEECH = ("apm.", "audio_projection_layer.", "tts.")
"""The parts of MiniCPM-o that hear and speak."""

log = logs.get(__name__)


def read_weights(folder: Path, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """Every weight but those of speech, four-bit ones as the numbers they stand for."""
    tensors: dict[str, Tensor] = {}
    left_out: list[str] = []
    for path in weight_files(folder):
        with safe_open(path, framework="pt", device=str(device)) as file:
            for name in file.keys():  # noqa: SIM118
                if name.startswith(SPEECH):
                    left_out.append(name)
                else:
                    tensors[name] = as_stored(name, file.get_tensor(name), dtype)
    if left_out:
        log.info("weights left out: this model's hearing and speech are not served", tensors=len(left_out))
    dequantise(tensors)
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def as_stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in the wanted dtype, unless it is a piece of a four-bit weight."""
    packed = tensor.dtype == torch.uint8 or name.endswith((*COMPANIONS, *STATES))
    return tensor if packed else tensor.to(dtype)


def check(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], folder: Path) -> None:
    """Raise CheckpointError, naming weights, unless names and shapes are the model's."""
    problems = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "of another shape": [
            f"{name} {list(found[name].shape)} instead of {list(tensor.shape)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ],
    }
    refuse_misfits(folder, problems)


def check_quantisation(config: Mapping[str, Any], folder: Path) -> None:
    """Raise CheckpointError for a quantisation other than bitsandbytes' four bits."""
    quantisation = config.get("quantization_config")
    if quantisation is None or (
        quantisation.get("quant_method") == "bitsandbytes" and quantisation.get("load_in_4bit")
    ):
        return
    raise CheckpointError(
        f"{folder / 'config.json'}: quantisation {quantisation.get('quant_method')!r} is not supported "
        "for this family; bitsandbytes int4 is, as are checkpoints that are not quantised."
    )
