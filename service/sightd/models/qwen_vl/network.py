"""The Qwen-VL networks: transformers' own modules, driven with packed tokens and attention of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import GenerationConfig

from ..fitting import check_pretrained
from ..languagemodel import LanguageModel
from ..network import CacheShape, PackedTokens
from ..pretrained import load_pretrained
from ..prompt import Span
from ..quantising import quantise
from .geometry import rotary_positions
from .pixels import patch_rows
from .preprocessing import read_preprocessing
from .prompt import read_layout


class QwenVlNetwork:
    """A loaded Qwen2-VL, Qwen2.5-VL or Qwen3-VL checkpoint. See `sightd.models.network.Network`."""

    unseen_token = None
    penalises_prompt = True

    def __init__(
        self, folder: Path, device: torch.device, dtype: torch.dtype | str, attention: str, quantization: str
    ) -> None:
        self.device = device
        model: Any = load_pretrained(folder, dtype).eval().requires_grad_(False)
        quantise(model.model.language_model, quantization, device)
        self.module = self._model = model.to(device)
        self._visual = model.model.visual
        for config in {id(c): c for m in model.modules() if (c := getattr(m, "config", None)) is not None}.values():
            config._attn_implementation = attention  # noqa: SLF001
        self._text = LanguageModel(model.model.language_model)
        self._visual.patch_embed = patches_by_product(self._visual.patch_embed.proj)
        self._layout = read_layout(folder)
        self.temporal = self._layout.temporal
        preprocessing = read_preprocessing(folder, self._layout)
        self._mean = torch.tensor(preprocessing.mean, device=device)
        self._std = torch.tensor(preprocessing.std, device=device)
        self._describe(model.config.get_text_config(), model.generation_config)

    def _describe(self, config: Any, generation: GenerationConfig) -> None:
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self.cache_shape = CacheShape(config.num_hidden_layers, config.num_key_value_heads, head_dim, self._model.dtype)
        self.heads = int(config.num_attention_heads)
        self.max_positions = int(config.max_position_embeddings)
        self.vocabulary = int(config.vocab_size)
        self.parameters = sum(p.numel() for p in self._model.parameters())
        eos = generation.eos_token_id if generation.eos_token_id is not None else getattr(config, "eos_token_id", None)
        self.eos_token_ids = tuple(eos) if isinstance(eos, (list, tuple)) else (eos,) if eos is not None else ()

    def vision_layers(self) -> Sequence[nn.Module]:
        """See `Network.vision_layers`."""
        return list(self._visual.blocks)

    def feature_count(self, frames: int, height: int, width: int) -> int:
        """See `Network.feature_count`."""
        patch, merge = self._layout.patch, self._layout.merge
        return -(-frames // self._layout.temporal) * (height // patch) * (width // patch) // merge**2

    def positions(self, length: int, spans: Sequence[Span]) -> tuple[NDArray[np.int64], int]:
        """See `Network.positions`."""
        return rotary_positions(length, [(s.first, s.grid, s.step) for s in spans], self._layout.merge)

    def encode(self, media: Sequence[Tensor], step: Any) -> list[Tensor]:
        """See `Network.encode`; deepstack features follow the merged ones in the width."""
        patch, temporal = self._layout.patch, self._layout.temporal
        rows = [patch_rows(frames.to(self.device), self._layout, self._mean, self._std) for frames in media]
        grids = [[-(-f.shape[0] // temporal), f.shape[1] // patch, f.shape[2] // patch] for f in media]
        grid = torch.tensor(grids, device=self.device)
        out = self._visual(torch.cat(rows).to(self._visual.dtype), grid_thw=grid, step=step)
        features = torch.cat([out.pooler_output, *getattr(out, "deepstack_features", [])], -1)
        return list(features.split([t * h * w // self._layout.merge**2 for t, h, w in grids]))

    def hidden(self, tokens: PackedTokens, step: Any) -> Tensor:
        """See `Network.hidden`."""
        return self._text.hidden(tokens, step)

    def logits(self, hidden: Tensor) -> Tensor:
        """See `Network.logits`."""
        logits: Tensor = self._model.lm_head(hidden)
        return logits.float()


def patches_by_product(projection: nn.Conv3d) -> nn.Linear:
    """The patch convolution, whose kernel is its stride, as the linear layer that it is: many times faster on a CPU,
    the same numbers."""
    weight = projection.weight.flatten(1)
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=projection.bias is not None, device="meta")
    linear.weight = nn.Parameter(weight, requires_grad=False)
    if projection.bias is not None:
        linear.bias = nn.Parameter(projection.bias, requires_grad=False)
    return linear


def load(
    folder: Path, device: torch.device, dtype: torch.dtype | str, attention: str, quantization: str
) -> QwenVlNetwork:
    """Load a checkpoint folder onto `device`. Raises CheckpointError when it cannot be loaded whole."""
    return QwenVlNetwork(folder, device, dtype, attention, quantization)


def check_fit(folder: Path) -> None:
    """Raise CheckpointError unless the weights are those of the network that config.json describes, by their
    headers."""
    check_pretrained(folder)
