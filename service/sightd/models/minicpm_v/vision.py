"""The SigLIP encoder for pictures of any size: the slices of a step lie in one row without padding, and each sees
itself alone.

transformers' SigLIP takes squares of one size and hands no arguments to its attention; its layers are used here, with
embeddings and attention of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.siglip.modeling_siglip import SiglipEncoder

Side = tuple[int, int]
"""Patches of one frame or slice: rows, columns."""


@dataclass(frozen=True)
class Normalisation:
    """The mean and deviation (0-1 scale, RGB) that pixels are normalised with, and the side of a patch."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    patch: int

    def patches(self, frames: Tensor) -> Tensor:
        """Patches of uint8 RGB frames [frames, height, width, 3] whose sides are whole patches, row by row: float32
        [frames * rows * columns, 3 * patch * patch]."""
        count, height, width, _ = frames.shape
        mean, std = frames.new_tensor(self.mean, dtype=torch.float32), frames.new_tensor(self.std, dtype=torch.float32)
        pixels = (frames.to(torch.float32) / 255 - mean) / std
        blocks = pixels.view(count, height // self.patch, self.patch, width // self.patch, self.patch, 3)
        return blocks.permute(0, 1, 3, 5, 2, 4).reshape(-1, 3 * self.patch**2)


class Embeddings(nn.Module):
    """Patches to vectors, with the learned vector of their place added. `config` is a SiglipVisionConfig, as for the
    classes below."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.side = config.image_size // config.patch_size
        self.patch_embedding = nn.Conv2d(config.num_channels, config.hidden_size, config.patch_size, config.patch_size)
        self.position_embedding = nn.Embedding(self.side**2, config.hidden_size)

    def forward(self, patches: Tensor, sides: Sequence[Side]) -> Tensor:
        """Patches [tokens, 3 * patch * patch] of consecutive frames to [tokens, width]. The convolution, whose kernel
        is its stride, is the matrix product that it is: many times faster on a CPU."""
        weight = self.patch_embedding.weight
        places = torch.cat([positions(rows, columns, self.side) for rows, columns in sides]).to(weight.device)
        embedded = F.linear(patches.to(weight.dtype), weight.flatten(1), self.patch_embedding.bias)
        result: Tensor = embedded + self.position_embedding(places)
        return result


def positions(rows: int, columns: int, side: int) -> Tensor:
    """Which of the side x side learned places each patch takes, int64 [rows * columns].

    Where a fraction meets a border of two places, float32 decides. The steps are the reference's, on the CPU for every
    device: whole numbers or another precision give other places for sides of 25, 49, 50, 55 patches and more.
    """
    borders = torch.arange(1 / side, 1.0, 1 / side)
    steps = [(1 / torch.tensor(n, dtype=torch.int32)).item() for n in (rows, columns)]
    down, across = (torch.bucketize(torch.arange(0, 1 - 1e-6, step), borders, right=True) for step in steps)
    return (down[:, None] * side + across).flatten()


class PackedAttention(nn.Module):
    """SigLIP's attention over frames that lie one behind the other, by the attention function that is registered with
    transformers under the configuration's name."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (
            nn.Linear(config.hidden_size, config.hidden_size) for _ in range(4)
        )

    def forward(self, hidden_states: Tensor, ends: Tensor, step: Any, **_: Any) -> tuple[Tensor, None]:
        """Vectors [tokens, width] to the same; `ends` int32 [frames + 1] is where frames begin and the last one
        ends."""
        query, key, value = (
            projection(hidden_states).unflatten(-1, (-1, self.head_dim)).transpose(0, 1)[None]
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        attention = ALL_ATTENTION_FUNCTIONS[self.config._attn_implementation]  # noqa: SLF001
        mixed = attention(self, query, key, value, None, scaling=self.head_dim**-0.5, step=step, cu_seq_lens_q=ends)[0]
        return self.out_proj(mixed[0].flatten(1)), None


class VisionEncoder(nn.Module):
    """The whole encoder, with the names that checkpoints have for its parts."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.encoder = SiglipEncoder(config)
        for layer in self.encoder.layers:
            layer.self_attn = PackedAttention(config)
        self.post_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, patches: Tensor, sides: Sequence[Side], step: Any) -> Tensor:
        """Patches [tokens, 3 * patch * patch] of consecutive frames of these sides to [tokens, width]."""
        ends = torch.tensor([0, *(rows * columns for rows, columns in sides)]).cumsum(0, dtype=torch.int32)
        embedded = self.embeddings(patches, sides)
        hidden = self.encoder(embedded, attention_mask=None, ends=ends, step=step).last_hidden_state
        result: Tensor = self.post_layernorm(hidden)
        return result
