"""The cache's size is planned from memory, the model and what the operator wants."""

from __future__ import annotations

import pytest
import torch
from sightd.engine.memory import DoesNotFit, plan
from sightd.models.network import CacheShape

SHAPE = CacheShape(layers=4, kv_heads=8, head_dim=64, dtype=torch.float32)


def test_a_plan_keeps_to_what_is_useful_and_affordable() -> None:
    """Without a wish of the operator's the cache holds every sequence at the length that is counted for it and one of the
    longest; memory and wishes bound it."""
    room = 100_000 * SHAPE.token_bytes

    def tokens(wanted: int = 0, positions: int = 4096, counted: int = 1024) -> int:
        planned = plan(SHAPE, room, 16, wanted, 0, positions, 8, counted)
        return planned.blocks * planned.block_size

    assert tokens() == 8 * 1024
    assert tokens(positions=32_768) == 32_768
    assert tokens(positions=256) == 8 * 256
    assert tokens(wanted=4096) == 4096
    assert tokens(positions=500_000) == 100_000


def test_a_length_that_no_cache_holds_is_refused() -> None:
    """A wanted length that memory has no room for is refused with what would help."""
    with pytest.raises(DoesNotFit, match=r"lower engine\.max_model_len"):
        plan(SHAPE, 1000 * SHAPE.token_bytes, 16, 0, 2000, 4096, 8, 1024)
