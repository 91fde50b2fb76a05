"""What the processor that this runs on multiplies by itself."""

from __future__ import annotations

import platform
from functools import cache

import torch


@cache
def multiplies_bfloat16() -> bool:
    """Whether there are instructions for products in bfloat16. Without them oneDNN imitates such products, several
    times slower than those in float32."""
    if platform.machine() in ("x86_64", "AMD64"):
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001
