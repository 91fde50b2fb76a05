"""Start values that let a small network learn to see in an hour on a CPU."""

from __future__ import annotations

import math
from random import Random

import torch
from torch import Tensor, nn
from transformers import Qwen3VLForConditionalGeneration

from ...models.qwen_vl.pixels import patch_rows
from ...models.qwen_vl.prompt import Layout
from . import samples
from .encoding import resized

PICTURES = 500
LIKENESS = 0.6
"""How much queries and keys resemble each other at first, so that a patch looks at ones like it and near it."""


def initialise(model: Qwen3VLForConditionalGeneration, layout: Layout) -> None:
    """Fill the network: products keep the size of what goes through them, branches that are added to the residual
    stream begin small. transformers' own 0.02 is made for layers many times wider."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            ends_branch = name.endswith(("o_proj", "down_proj", "attn.proj", "mlp.linear_fc2"))
            nn.init.normal_(module.weight, std=module.in_features**-0.5 * (0.3 if ends_branch else 1.0))
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.06)
    visual = model.model.visual
    whiten(visual.patch_embed.proj, layout)
    with torch.no_grad():
        visual.pos_embed.weight.copy_(waves(visual.num_grid_per_side, visual.pos_embed.embedding_dim))
        for block in visual.blocks:
            query, key, _ = block.attn.qkv.weight.chunk(3)
            query.mul_(LIKENESS)
            key.copy_(query)


def whiten(projection: nn.Conv3d, layout: Layout) -> None:
    """Make the patch projection the leading principal components of patches of drawn pictures, each scaled to
    variance 1, and keep it so. What matters in a patch is small beside its brightness, and a projection that is trained
    swings with the brightness; cf. the whitening first layer of https://github.com/KellerJordan/cifar10-airbench."""
    half = torch.full((3,), 0.5)
    rows = []
    for number in range(PICTURES):
        drawing = samples.sight(Random(f"whitening/{number}"), (160, 160)).drawings[0]
        rows.append(patch_rows(torch.from_numpy(resized(drawing.picture, 160, 160)[None]), layout, half, half))
    pixels = torch.cat(rows).unflatten(1, (3, layout.temporal, -1))[:, :, 0].flatten(1)
    mean = pixels.mean(0)
    values, vectors = torch.linalg.eigh((pixels - mean).T.cov())
    count = projection.out_channels
    components = (vectors[:, -count:] / (values[-count:] + 1e-4).sqrt()).T
    spread = components.unflatten(1, (3, 1, -1)).expand(-1, -1, layout.temporal, -1) / layout.temporal
    with torch.no_grad():
        projection.weight.copy_(spread.reshape(projection.weight.shape))
        assert projection.bias is not None
        projection.bias.copy_(-components @ mean)
    projection.requires_grad_(False)


def waves(side: int, width: int) -> Tensor:
    """Position embeddings [side * side, width]: sines and cosines of row and column."""
    steps = torch.arange(side) / side
    rates = torch.arange(1, width // 4 + 1) * math.pi / 4
    angles = steps[:, None] * rates
    line = torch.cat([angles.sin(), angles.cos()], 1) * 0.5
    return torch.cat([line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)], -1).flatten(0, 1)
