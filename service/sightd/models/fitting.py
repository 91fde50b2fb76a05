"""Whether weight files fit the network that config.json describes, by their headers: no weight is read, and checkpoints
of any size take seconds and hardly any memory. Imports torch and transformers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig, AutoModelForImageTextToText

from .quantising import stored_quantisation
from .weightsizes import tensors
from .wholeness import refuse_misfits, weight_files

DTYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F16": torch.float16, "BF16": torch.bfloat16,
    "F32": torch.float32, "F64": torch.float64,
}  # fmt: skip
"""The format's names."""


def described(folder: Path) -> dict[str, Tensor]:
    """Every weight of the files by its name, with its shape and dtype, as tensors that the mode in force makes."""
    headers = [tensors(path) for path in weight_files(folder)]
    return {
        name: torch.empty(shape, dtype=DTYPES.get(kind, torch.uint8))
        for header in headers
        for name, (kind, shape) in header.items()
    }


def check_pretrained(folder: Path) -> None:
    """Raise CheckpointError unless transformers finds every weight that its network wants, in the right shape. It goes
    the way of loading with tensors that have no content. Quantised weights are not looked at: their shapes are their
    library's affair."""
    if stored_quantisation(folder) is not None:
        return
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    network: Any = AutoModelForImageTextToText._model_mapping[type(config)]  # noqa: SLF001
    with in_one_thread(), FakeTensorMode(allow_non_fake_inputs=True), warnings.catch_warnings(action="ignore"):
        _, found = network.from_pretrained(
            None,
            config=config,
            state_dict=described(folder),
            dtype="auto",
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    refuse_loaded(folder, found)


def refuse_loaded(folder: Path, found: dict[str, Any]) -> None:
    """Raise CheckpointError when transformers' report of loading names weights that are missing or of another shape."""
    shapes = [f"{name} {list(has)} instead of {list(wants)}" for name, has, wants in sorted(found["mismatched_keys"])]
    refuse_misfits(folder, {"missing": sorted(found["missing_keys"]), "of another shape": shapes})


@contextmanager
def in_one_thread() -> Iterator[None]:
    """Transformers converts weights in no other threads meanwhile, where tensors without content are unknown."""
    name = "HF_DEACTIVATE_ASYNC_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
