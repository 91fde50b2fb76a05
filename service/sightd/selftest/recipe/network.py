"""The network while it is trained: transformers' own modules, with attention that is fast on a CPU for equal lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ...models.qwen_vl.pixels import patch_rows
from ...models.qwen_vl.prompt import read_layout
from .encoding import IGNORED

ATTENTION = "sightd_train_flash"
"""transformers hands packed sequences over whole to attention functions whose name has "flash" in it."""


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Softmax attention by plain products, several times faster backwards on a CPU than the fused kernel."""
    scores = torch.matmul(query * scale, key.transpose(-1, -2))
    if mask is not None:
        scores = scores + mask
    with torch.autocast("cpu", enabled=False):
        weights = torch.softmax(scores, -1)
    return torch.matmul(weights, value)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    cu_seq_lens_q: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Transformers' attention interface: packed pictures of one size, or padded rows with a mask."""
    if cu_seq_lens_q is not None:
        heads, length, width = query.shape[1:]
        pictures = len(cu_seq_lens_q) - 1
        query, key, value = (
            x.view(heads, pictures, length // pictures, width).transpose(0, 1) for x in (query, key, value)
        )
        mixed = attend(query, key, value, None, scaling)
        return mixed.permute(0, 2, 1, 3).reshape(1, length, heads, width), None
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    return attend(query, key, value, attention_mask, scaling).transpose(1, 2), None


def initialise(model: nn.Module) -> None:
    """Start values for a narrow network: products keep the size of what goes through them, branches that are added to
    the residual stream begin small. transformers' own 0.02 is made for layers many times wider."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            ends_branch = name.endswith(("o_proj", "down_proj", "attn.proj", "mlp.linear_fc2"))
            nn.init.normal_(module.weight, std=module.in_features**-0.5 * (0.3 if ends_branch else 1.0))
        elif isinstance(module, nn.Conv3d):
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.06)


class Trainee(nn.Module):
    """The model with the loss of a batch. Weights are float32; products run in bfloat16."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attention)
        config = Qwen3VLConfig.from_pretrained(folder)
        self.model = Qwen3VLForConditionalGeneration(config).float()
        initialise(self.model)
        self.model.model.visual.config._attn_implementation = ATTENTION  # noqa: SLF001
        self.model.model.language_model.config._attn_implementation = ATTENTION  # noqa: SLF001
        self.layout = read_layout(folder)
        self.ids = (config.image_token_id, config.video_token_id)
        embed = self.model.model.visual.patch_embed
        embed.forward = lambda rows: F.linear(rows, embed.proj.weight.view(embed.embed_dim, -1), embed.proj.bias)

    def features(self, frames: list[Any]) -> tuple[Tensor, list[Tensor]]:
        """Merged features and deepstack features of all media, in order; media of one size run together."""
        half = torch.full((3,), 0.5)
        rows = [patch_rows(torch.from_numpy(f), self.layout, half, half) for f in frames]
        grids = [
            (
                len(r) * self.layout.patch**2 // (f.shape[1] * f.shape[2]),
                f.shape[1] // self.layout.patch,
                f.shape[2] // self.layout.patch,
            )
            for r, f in zip(rows, frames, strict=True)
        ]
        parts: dict[int, tuple[Tensor, ...]] = {}
        for grid in sorted(set(grids)):
            members = [i for i, g in enumerate(grids) if g == grid]
            out = self.model.model.visual(
                torch.cat([rows[i] for i in members]), grid_thw=torch.tensor([grid] * len(members))
            )
            chunks = zip(*(x.chunk(len(members)) for x in (out.pooler_output, *out.deepstack_features)), strict=True)
            parts.update(zip(members, chunks, strict=True))
        merged, *deep = (torch.cat(column) for column in zip(*(parts[i] for i in range(len(grids))), strict=True))
        return merged, deep

    def forward(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """Mean loss over the trained tokens, how many were right and how many there were."""
        ids, labels, branch, positions = (torch.from_numpy(batch[k]) for k in ("ids", "labels", "branch", "positions"))
        with torch.autocast("cpu", torch.bfloat16):
            embedded = self.model.model.language_model.embed_tokens(ids)
            seen = (ids == self.ids[0]) | (ids == self.ids[1])
            deep = None
            if batch["frames"]:
                merged, deep = self.features(batch["frames"])
                embedded = embedded.masked_scatter(seen[..., None], merged.to(embedded.dtype))
            hidden = self.model.model.language_model(
                inputs_embeds=embedded,
                position_ids=positions,
                attention_mask=tree_mask(branch),
                use_cache=False,
                visual_pos_masks=seen if deep else None,
                deepstack_visual_embeds=deep,
            )[0]
            trained = labels[:, 1:] != IGNORED
            logits = self.model.lm_head(hidden[:, :-1][trained]).float()
        target = labels[:, 1:][trained]
        return F.cross_entropy(logits, target), (logits.argmax(-1) == target).sum(), trained.sum()


def tree_mask(branch: Tensor) -> Tensor:
    """What each token may see, as an additive mask [rows, 1, tokens, tokens]: earlier shared tokens and its own branch's."""
    length = branch.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    related = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
    return torch.zeros(related.shape, dtype=torch.bfloat16).masked_fill_(~(related & earlier), -1e9)[:, None]
