"""Decoder layers in few operations, for steps on a CPU in which every sequence decodes one token: an operation on a few
tokens takes longer to call than to compute, and transformers' modules make seventy for each layer."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..attention.hook import DecodeStep, TextStep
from .merging import PartLinear

KNOWN = ("Qwen2DecoderLayer", "Qwen2VLDecoderLayer", "Qwen2_5_VLDecoderLayer", "Qwen3VLTextDecoderLayer")
"""transformers' classes that compute what `DecoderLayer` does."""


class Rotation:
    """Norms, where a model has some there, and rotary positions of an attention module's queries and keys, together.
    Tensors are of the kind of `like`; of the heads, so many are `queries` and `keys`."""

    def __init__(self, attention: Any, queries: int, keys: int, like: Tensor) -> None:
        self._signs = like.new_tensor([[-1], [1]])
        self._weight: Tensor | None = None
        if hasattr(attention, "q_norm"):
            weights = attention.q_norm.weight.expand(queries, -1), attention.k_norm.weight.expand(keys, -1)
            self._weight = torch.cat(weights).detach()
            self._turned_weight = self._weight.roll(attention.head_dim // 2, -1)
            self._epsilon = attention.q_norm.variance_epsilon

    def __call__(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Queries and keys [tokens, heads, head_dim] rotated by the angles of `cos` and `sin` [tokens, 1, head_dim]."""
        tokens, heads, width = x.shape
        # Of -x and x, one after the other, the end is x, and the middle what rotation adds to it: -x's second half,
        # then x's first. A layer norm of the two, whose mean is zero, is the norm of each.
        both = x.unsqueeze(2) * self._signs
        if self._weight is not None:
            both = F.layer_norm(both, both.shape[2:], None, None, self._epsilon)
            cos, sin = cos * self._weight, sin * self._turned_weight
        both = both.view(tokens, heads, 2 * width)
        return torch.addcmul(both.narrow(-1, width, width) * cos, both.narrow(-1, width // 2, width), sin)


class DecoderLayer:
    """One of the `KNOWN` layers, its linear layers merged."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._own = layer.forward
        self._index: int = attention.layer_idx
        self._scale: float = attention.scaling
        self._head_dim: int = attention.head_dim
        queries, keys = (part.out_features // attention.head_dim for part in (attention.q_proj, attention.k_proj))
        self._heads = queries, keys
        self._rotated = Rotation(attention, queries, keys, layer.input_layernorm.weight)
        # Modules' own calls look for hooks, which takes as long as a small operation.
        self._before_attention = layer.input_layernorm.forward
        self._queries_keys_values = attention.q_proj.product.layer.forward
        self._attended = attention.o_proj.forward
        self._before_mlp = layer.post_attention_layernorm.forward
        self._gate_up = mlp.gate_proj.product.layer.forward
        self._activation = mlp.act_fn.forward
        self._down = mlp.down_proj.forward

    def forward(
        self,
        hidden_states: Tensor,
        *,
        position_embeddings: tuple[Tensor, Tensor],
        step: TextStep | DecodeStep,
        **rest: Any,
    ) -> Tensor:
        """The layer's output for hidden states [1, tokens, width]."""
        if not (isinstance(step, TextStep) and step.layout.decodes):
            own: Tensor = self._own(hidden_states, position_embeddings=position_embeddings, step=step, **rest)
            return own
        x: Tensor = hidden_states[0]
        x = x + self._attention(self._before_attention(x), position_embeddings, step)
        gate, up = self._gate_up(self._before_mlp(x)).chunk(2, -1)
        x = x + self._down(self._activation(gate) * up)
        return x[None]

    def _attention(self, x: Tensor, angles: tuple[Tensor, Tensor], step: TextStep) -> Tensor:
        """What attention gives for `x` [tokens, width]."""
        queries, keys = self._heads
        heads = self._queries_keys_values(x).view(len(x), -1, self._head_dim)
        both, value = heads.split_with_sizes((queries + keys, keys), 1)
        cos, sin = (angle.transpose(0, 1) for angle in angles)
        query, key = self._rotated(both, cos, sin).split_with_sizes((queries, keys), 1)
        mixed = step.attend(self._index, query, key, value, self._scale)
        attended: Tensor = self._attended(mixed.flatten(1))
        return attended


def fuse_layers(model: nn.Module) -> int:
    """Let `KNOWN` layers on a CPU whose linear layers are merged compute in few operations where they can. In float32
    everything stays as it is, so that a token's numbers do not depend on how many others there are. Returns how many
    were changed."""
    changed = 0
    for layer in model.modules():
        if type(layer).__name__ in KNOWN and fits(layer):
            layer.forward = DecoderLayer(layer).forward
            changed += 1
    return changed


def fits(layer: Any) -> bool:
    """Whether a layer's linear layers are merged, and it computes in bfloat16 on the CPU."""
    weight = layer.input_layernorm.weight
    merged = all(type(part) is PartLinear for part in (layer.self_attn.q_proj, layer.mlp.gate_proj))
    return merged and weight.dtype == torch.bfloat16 and weight.device.type == "cpu"
