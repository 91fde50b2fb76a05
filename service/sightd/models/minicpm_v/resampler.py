"""The perceiver resampler: any number of patches to a fixed number of tokens of the language model's width."""

from __future__ import annotations

import torch
from torch import Tensor, nn

HEAD_WIDTH = 128
BASE = 10000.0


class Resampler(nn.Module):
    """Learned queries attend to a frame's patches. `queries` tokens of `width` come out for vectors of `vision_width`;
    the parameters have the checkpoints' names."""

    def __init__(self, queries: int, width: int, vision_width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(queries, width))
        self.kv_proj = nn.Linear(vision_width, width, bias=False)
        self.attn = nn.MultiheadAttention(width, width // HEAD_WIDTH, batch_first=True)
        self.ln_q, self.ln_kv, self.ln_post = (nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.proj = nn.Parameter(torch.empty(width, width))

    def forward(self, patches: Tensor, rows: int, columns: int) -> Tensor:
        """Patches [frames, rows * columns, vision_width] to [frames, queries, width]. Places are added to the keys
        alone."""
        values = self.ln_kv(self.kv_proj(patches))
        keys = values + places(rows, columns, self.query.shape[1], patches.device).to(values.dtype)
        queries = self.ln_q(self.query).expand(len(patches), -1, -1)
        mixed, _ = self.attn(queries, keys, values, need_weights=False)
        result: Tensor = self.ln_post(mixed) @ self.proj
        return result


def places(rows: int, columns: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of each patch's column, then of its row, in a quarter of the width each: float32
    [rows * columns, width]. Made when they are needed: a grid has no largest size, and a buffer would have to survive
    loading."""
    quarter = width // 4
    speeds = BASE ** -(torch.arange(quarter, dtype=torch.float32, device=device) / quarter)
    across, down = (torch.arange(n, dtype=torch.float32, device=device)[:, None] * speeds for n in (columns, rows))
    across, down = (torch.cat([angles.sin(), angles.cos()], -1) for angles in (across, down))
    grid = torch.cat([across.expand(rows, -1, -1), down[:, None].expand(-1, columns, -1)], -1)
    return grid.flatten(0, 1)
