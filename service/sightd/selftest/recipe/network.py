"""The network while it is trained: transformers' own modules, with attention that is fast on a CPU for equal lengths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ...models.qwen_vl.pixels import patch_rows
from ...models.qwen_vl.prompt import read_layout
from .cells import CLASSES
from .encoding import IGNORED
from .initialisation import initialise
from .packing import Batch

ATTENTION = "sightd_train_flash"
"""transformers hands packed sequences over whole to attention functions whose name has "flash" in it."""


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax attention by plain products, several times faster backwards on a CPU than the fused kernel."""
    scores = torch.matmul(query, key.transpose(-1, -2))
    if mask is not None:
        scores = scores + mask
    return torch.matmul(torch.softmax(scores, -1), value)


@dataclass
class Layout:
    """A batch's groups and places as tensors; masks are additive [segments, 1, 1, queries, keys]."""

    groups: list[tuple[Tensor, Tensor, Tensor]]
    places: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Layout:
        """The layout of a packed batch."""
        groups = []
        for group in batch.groups:
            mask = torch.zeros(group.seen.shape).masked_fill_(~torch.from_numpy(group.seen), -1e9)[:, None, None]
            groups.append((torch.from_numpy(group.queries), torch.from_numpy(group.keys), mask))
        return cls(groups, torch.from_numpy(batch.places))


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    cu_seq_lens_q: Tensor | None = None,
    layout: Layout | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Transformers' attention interface: packed pictures of one size, or a packed line of text segments."""
    query = query * scaling
    if cu_seq_lens_q is not None:
        heads, length, width = query.shape[1:]
        pictures = len(cu_seq_lens_q) - 1
        query, key, value = (
            x.view(heads, pictures, length // pictures, width).transpose(0, 1) for x in (query, key, value)
        )
        mixed = attend(query, key, value, None)
        return mixed.permute(0, 2, 1, 3).reshape(1, length, heads, width), None
    assert layout is not None
    query, key, value = (x[0].transpose(0, 1) for x in (query, key, value))
    mixed = torch.cat([segments(query, key, value, *group) for group in layout.groups])
    return mixed[layout.places][None], None


def segments(query: Tensor, key: Tensor, value: Tensor, queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """Attention of one group: query [tokens, heads, width], key and value [tokens, groups, width]; returns
    [segments * queries, heads, width]."""
    heads, width = query.shape[1:]
    shared = heads // key.shape[1]
    asked = query[queries].unflatten(2, (-1, shared)).permute(0, 2, 3, 1, 4)
    context = [x[keys].transpose(1, 2)[:, :, None].expand(-1, -1, shared, -1, -1) for x in (key, value)]
    mixed = attend(asked, context[0], context[1], mask)
    return mixed.permute(0, 3, 1, 2, 4).reshape(-1, heads, width)


class Trainee(nn.Module):
    """The model with the loss of a batch, in float32: bfloat16 is several times slower on CPUs without AMX."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attention)
        config = Qwen3VLConfig.from_pretrained(folder)
        self.model = Qwen3VLForConditionalGeneration(config).float()
        self.model.model.visual.config._attn_implementation = ATTENTION  # noqa: SLF001
        self.model.model.language_model.config._attn_implementation = ATTENTION  # noqa: SLF001
        self.lessons = nn.Linear(config.get_text_config().hidden_size, sum(CLASSES))
        self.number = nn.Linear(config.get_text_config().hidden_size, 2)
        self.layout = read_layout(folder)
        initialise(self.model, self.layout)
        self.image_id = config.image_token_id
        embed = self.model.model.visual.patch_embed
        embed.forward = lambda rows: F.linear(rows, embed.proj.weight.view(embed.embed_dim, -1), embed.proj.bias)

    def features(self, pictures: list[NDArray[np.uint8]]) -> tuple[Tensor, list[Tensor]]:
        """Merged features and deepstack features of all pictures, in order; pictures of one size run together."""
        half = torch.full((3,), 0.5)
        parts: dict[int, tuple[Tensor, ...]] = {}
        for size in sorted({p.shape for p in pictures}):
            members = [i for i, p in enumerate(pictures) if p.shape == size]
            rows = [patch_rows(torch.from_numpy(pictures[i][None]), self.layout, half, half) for i in members]
            grid = [1, size[0] // self.layout.patch, size[1] // self.layout.patch]
            out = self.model.model.visual(torch.cat(rows), grid_thw=torch.tensor([grid] * len(members)))
            chunks = zip(*(x.chunk(len(members)) for x in (out.pooler_output, *out.deepstack_features)), strict=True)
            parts.update(zip(members, chunks, strict=True))
        merged, *deep = (torch.cat(column) for column in zip(*(parts[i] for i in range(len(pictures))), strict=True))
        return merged, deep

    def cell_loss(self, merged: Tensor, cells: list[NDArray[np.int64]]) -> Tensor:
        """The mean loss of the cells' lessons; cells that show something and those that do not weigh the same."""
        classes = torch.from_numpy(np.concatenate(cells))
        total = merged.new_zeros(())
        for lesson, logits in enumerate(self.lessons(merged).split(CLASSES, -1)):
            target = classes[:, lesson]
            total = total + F.cross_entropy(logits, target, reduction="sum") / (target.count_nonzero() + 8)
        return total / len(CLASSES)

    def number_loss(self, hidden: Tensor, numbers: NDArray[np.int64]) -> Tensor:
        """The mean loss of naming each token's picture; `hidden` are those of the pictures' tokens [tokens, width]."""
        if not numbers.any():
            return hidden.new_zeros(())
        return F.cross_entropy(self.number(hidden), torch.from_numpy(numbers))

    def look(self, pictures: list[NDArray[np.uint8]], cells: list[NDArray[np.int64]]) -> Tensor:
        """The lessons' loss alone, without the language model."""
        return self.cell_loss(self.features(pictures)[0], cells)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Loss summed over the trained tokens, the lessons' mean loss, how many tokens were right and how many there
        were."""
        ids, labels, positions = (torch.from_numpy(x) for x in (batch.ids, batch.labels, batch.positions))
        text = self.model.model.language_model
        embedded = text.embed_tokens(ids)[None]
        seen = (ids == self.image_id)[None]
        deep = None
        lessons = embedded.new_zeros(())
        if batch.pictures:
            merged, deep = self.features(batch.pictures)
            lessons = self.cell_loss(merged, batch.cells)
            embedded = embedded.masked_scatter(seen[..., None], merged)
        first_layer: list[Tensor] = []
        hook = text.layers[0].register_forward_hook(lambda _, __, output: first_layer.append(output))
        hidden = text(
            inputs_embeds=embedded,
            position_ids=positions[:, None],
            use_cache=False,
            visual_pos_masks=seen if deep else None,
            deepstack_visual_embeds=deep,
            layout=Layout.of(batch),
        )[0][0]
        hook.remove()
        if batch.pictures:
            lessons = lessons + self.number_loss(first_layer[0][seen], batch.numbers)
        trained = labels[1:] != IGNORED
        logits = self.model.lm_head(hidden[:-1][trained])
        target = labels[1:][trained]
        loss = F.cross_entropy(logits, target, reduction="sum")
        return loss, lessons, (logits.argmax(-1) == target).sum(), trained.sum()
