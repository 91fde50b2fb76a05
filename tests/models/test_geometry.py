"""Sizes and positions of the Qwen-VL families are transformers' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sightd.models.qwen_vl.geometry import rotary_positions, target_size
from transformers import AutoModelForImageTextToText
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from ..checkpoints import FAMILIES


@pytest.mark.parametrize("factor", [28, 32])
def test_target_size(factor: int) -> None:
    """Every size is resized as the reference resizes it."""
    rng = np.random.default_rng(1)
    sizes = [(1, 1), (5, 900), (14, 14), (3000, 4000), (factor, 199 * factor)]
    sizes += [(int(a), int(b)) for a, b in np.exp(rng.uniform(0, 8.5, (3000, 2))).astype(int) + 1]
    for height, width in sizes:
        if max(height, width) > 200 * min(height, width):
            with pytest.raises(ValueError, match="200 times"):
                target_size(height, width, factor, 3136, 1003520)
            continue
        for low, high in ((3136, 1003520), (65536, 16777216), (256 * 28 * 28, 1280 * 28 * 28)):
            assert target_size(height, width, factor, low, high) == smart_resize(height, width, factor, low, high)


@pytest.mark.parametrize("family", FAMILIES)
def test_rotary_positions(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Positions of text, pictures and what follows are the reference's."""
    model = AutoModelForImageTextToText.from_pretrained(tiny_checkpoints[family])
    grids = [(1, 4, 6), (1, 8, 2), (1, 4, 4)]
    kinds = [0] * 5 + [1] * 6 + [0] * 3 + [1] * 4 + [0] * 2 + [1] * 4 + [0] * 7
    expected, delta = model.model.get_rope_index(
        torch.zeros(1, len(kinds), dtype=torch.long), torch.tensor([kinds]), image_grid_thw=torch.tensor(grids)
    )
    spans = [(5, grids[0], 1.0), (14, grids[1], 1.0), (20, grids[2], 1.0)]
    positions, following = rotary_positions(len(kinds), spans, merge=2)
    assert np.array_equal(positions, expected[:, 0].numpy())
    assert following - len(kinds) == int(delta)
