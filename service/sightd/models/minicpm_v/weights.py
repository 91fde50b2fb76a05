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
from ..fourbit import COMPANIONS, STATES, State, dequantise
from ..wholeness import refuse_misfits, weight_files
from .settings import SPEECH

COMPUTED = ("resampler.pos_embed", ".rotary_emb.inv_freq", ".embeddings.position_ids")
"""Tables that some trainers write out and that are made anew here."""

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
                elif not name.endswith(COMPUTED):
                    tensors[name] = as_stored(name, file.get_tensor(name), dtype)
    if left_out:
        log.info("weights left out: this model's hearing and speech are not served", tensors=len(left_out))
    dequantise(tensors)
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def as_stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in the wanted dtype, unless it is a piece of a four-bit weight."""
    packed = tensor.dtype == torch.uint8 or name.endswith((*COMPANIONS, *STATES))
    return tensor if packed else tensor.to(dtype)


def described_weights(folder: Path) -> dict[str, Tensor]:
    """What `read_weights` would give, without content, by the headers of the files."""
    found: dict[str, Tensor] = {}
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                if name.endswith(STATES):
                    shape = State.of(file.get_tensor(name)).shape
                    found[name.partition(".quant_state.")[0]] = torch.empty(shape, device="meta")
                elif not name.startswith(SPEECH) and not name.endswith((*COMPUTED, *COMPANIONS)):
                    found.setdefault(name, torch.empty(file.get_slice(name).get_shape(), device="meta"))
    return found


def tie(weights: dict[str, Tensor], config: Mapping[str, Any]) -> None:
    """Give the output layer the embeddings where config.json says that they are the same and the files have one."""
    if config.get("tie_word_embeddings") and "llm.model.embed_tokens.weight" in weights:
        weights.setdefault("llm.lm_head.weight", weights["llm.model.embed_tokens.weight"])


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
    method = quantisation.get("quant_method")
    raise CheckpointError(
        f"{folder / 'config.json'}: quantisation {method!r} is not supported for this family. "
        'Take the bitsandbytes int4 checkpoint, or the full one, with model.quantization = "int8" or "int4" if it is '
        "too large."
    )
