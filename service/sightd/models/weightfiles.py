"""A checkpoint's weight files, by their headers alone: whether they are whole, and what they take once loaded. No torch
here. The format: https://github.com/huggingface/safetensors#format"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any

from .checkpoint import CheckpointError, read_json

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
LARGEST_HEADER = 100 * 1024 * 1024
SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
"""Bytes of a number by the format's name for its dtype; one for all others."""
NUMBERS = {"float32": 4, "bfloat16": 2, "float16": 2}
STATE, PIECES = ".quant_state.bitsandbytes__", (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map")
"""What stands beside a four-bit weight of bitsandbytes."""
SIGHT = re.compile(r"visual|vision|vpm|resampler|apm|tts")
"""In the names of what is not the language model."""
QUANTISED = {"int8": 1.01, "int4": 0.63}
"""Bytes of a number with its share of a scale."""
NAMED = 5
"""How many weights an error names."""

Header = dict[str, dict[str, Any]]
"""Tensors by name, each with its `dtype`, `shape` and `data_offsets`."""


def weight_files(folder: Path) -> list[Path]:
    """The files that the index names, or the only one. Raises CheckpointError when one is missing."""
    paths = [folder / SINGLE]
    if (folder / INDEX).exists():
        content = read_json(folder / INDEX).get("weight_map")
        if not isinstance(content, dict) or not content:
            raise CheckpointError(f"{folder / INDEX} names no weights.")
        paths = [folder / str(name) for name in sorted(set(content.values()))]
    for path in paths:
        if not path.is_file():
            pickled = sorted(p.name for kind in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in folder.glob(kind))
            instead = f" Of {listed(pickled)} nothing is read: such files can run code." if pickled else ""
            raise CheckpointError(f"{path} is missing: {folder} is not a whole checkpoint folder.{instead}")
    return paths


def read_header(path: Path) -> Header:
    """What a file says that it holds. Raises CheckpointError when that is not there."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise CheckpointError(f"{path} is no whole safetensors file: it has {size} bytes and no header.")
        try:
            header = json.loads(file.read(length))
            tensors: Header = {name: entry for name, entry in header.items() if name != "__metadata__"}
            needed = 8 + length + max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
        except (ValueError, AttributeError, KeyError, TypeError, IndexError) as error:
            raise CheckpointError(f"{path}: its header cannot be read.") from error
    if size != needed:
        raise CheckpointError(f"{path} is truncated or damaged: it has {size} bytes in place of {needed}.")
    return tensors


def check_files(folder: Path) -> None:
    """Raise CheckpointError unless every weight file is there and whole."""
    for path in weight_files(folder):
        read_header(path)


def loaded_bytes(folder: Path, dtype: str, on_card: bool, quantization: str = "none") -> int:
    """Bytes of the weights on the device while they are loaded as `dtype` ("auto": the checkpoint's own). Four-bit
    weights of bitsandbytes become ordinary ones, and so do those of eight-bit floats off a card. What is quantised on
    the way is small on a card only: on the CPU all of it is there first. Raises CheckpointError."""
    config = read_json(folder / "config.json")
    own = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    full = NUMBERS.get(own if dtype == "auto" else dtype, 4)
    wanted = None if dtype == "auto" else full
    linear = QUANTISED.get(quantization) if on_card else None
    sizes = (loaded_sizes(read_header(path), wanted, full, on_card, linear) for path in weight_files(folder))
    return sum(sum(of_file) for of_file in sizes)


def loaded_sizes(header: Header, wanted: int | None, full: int, fp8_stays: bool, linear: float | None) -> Iterator[int]:
    """Bytes of each loaded weight of a file: floats take `wanted` bytes a number, or what they have (None); what is
    turned back into numbers takes `full`, and the language model's layers take `linear` where that is given."""
    packed = {name.partition(STATE)[0] for name in header if STATE in name}
    for name, entry in header.items():
        count, kind = prod(entry["shape"]), entry["dtype"]
        if STATE in name or name.endswith(PIECES):
            continue
        if linear is not None and len(entry["shape"]) == 2 and ".layers." in name and not SIGHT.search(name):
            yield int(count * linear)
        elif name in packed:
            yield 2 * count * full
        elif kind.startswith("F8") and not fp8_stays:
            yield count * full
        elif kind in ("F64", "F32", "F16", "BF16"):
            yield count * (wanted or SIZES[kind])
        else:
            yield count * SIZES.get(kind, 1)


def listed(names: Iterable[str]) -> str:
    """The first few names."""
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
