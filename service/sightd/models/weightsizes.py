"""What a checkpoint's weights take once they are loaded, by the headers of its files. No torch here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from pathlib import Path

from safetensors import safe_open

from .checkpoint import read_json
from .minicpm_v.settings import SPEECH
from .wholeness import weight_files

SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
"""Bytes of a number by the format's name for its dtype; one for all others."""
NUMBERS = {"float32": 4, "bfloat16": 2, "float16": 2}
STATE, PIECES = ".quant_state.bitsandbytes__", (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map")
"""What stands beside a four-bit weight of bitsandbytes."""
SIGHT = re.compile(r"visual|vision|vpm|resampler|apm|tts")
"""In the names of what is not the language model."""
QUANTISED = {"int8": 1.01, "int4": 0.63}
"""Bytes of a number with its share of a scale."""

Header = dict[str, tuple[str, list[int]]]
"""Tensors by name, each with its dtype in the format's words and its shape."""


def loaded_bytes(folder: Path, dtype: str, on_card: bool, quantization: str = "none") -> int:
    """Bytes of the weights on the device while they are loaded as `dtype` ("auto": the checkpoint's own). Four-bit
    weights of bitsandbytes become ordinary ones, and so do those of eight-bit floats off a card. What is quantised on
    the way is small on a card only: on the CPU all of it is there first. Raises CheckpointError."""
    config = read_json(folder / "config.json")
    own = str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")
    full = NUMBERS.get(own if dtype == "auto" else dtype, 4)
    wanted = None if dtype == "auto" else full
    linear = QUANTISED.get(quantization) if on_card else None
    left_out = SPEECH if config.get("model_type") == "minicpmo" else ()
    total = 0
    for path in weight_files(folder):
        header = {name: entry for name, entry in tensors(path).items() if not name.startswith(left_out)}
        total += sum(loaded_sizes(header, wanted, full, on_card, linear))
    return total


def tensors(path: Path) -> Header:
    """What a file says that it holds."""
    with safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        return {name: (one.get_dtype(), one.get_shape()) for name, one in slices.items()}


def loaded_sizes(header: Header, wanted: int | None, full: int, fp8_stays: bool, linear: float | None) -> Iterator[int]:
    """Bytes of each loaded weight of a file: floats take `wanted` bytes a number, or what they have (None); what is
    turned back into numbers takes `full`, and the language model's layers take `linear` where that is given."""
    packed = {name.partition(STATE)[0] for name in header if STATE in name}
    for name, (kind, shape) in header.items():
        if STATE in name or name.endswith(PIECES):
            continue
        count = prod(shape) * (2 if name in packed else 1)
        if linear is not None and len(shape) == 2 and ".layers." in name and not SIGHT.search(name):
            yield int(count * linear)
        elif name in packed or (kind.startswith("F8") and not fp8_stays):
            yield count * full
        elif kind in ("F64", "F32", "F16", "BF16"):
            yield count * (wanted or SIZES[kind])
        else:
            yield count * SIZES.get(kind, 1)
