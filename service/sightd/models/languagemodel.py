"""A language model of transformers', whose layers are called one after another with the packed tokens of a step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .network import PackedTokens


class WantedRows:
    """Lets a module compute the tokens `rows` int64 [wanted] alone (None: all). Its input and output are
    [1, tokens, width]; the others get zeros. The module keeps its place and its weights their names."""

    def __init__(self, module: nn.Module) -> None:
        self.rows: Tensor | None = None
        self._compute = module.forward
        module.forward = self.forward

    def forward(self, x: Tensor) -> Tensor:
        """The module's output."""
        if self.rows is None or len(self.rows) == x.shape[1]:
            whole: Tensor = self._compute(x)
            return whole
        result = torch.zeros_like(x)
        if len(self.rows):
            result[:, self.rows] = self._compute(x[:, self.rows])
        return result


class LanguageModel:
    """Embedding, layers and last norm of a language model of transformers'. Its own call does the same, and makes masks
    and looks for outputs to keep at every token, which nothing here asks for."""

    def __init__(self, text: Any) -> None:
        self._text = text
        self._width = int(text.config.hidden_size)
        # Nothing comes after the last layer but the norm and the head, so what it adds to a token is needed only where
        # logits are wanted, of a whole prompt at its end.
        self._last = WantedRows(text.layers[-1].mlp)

    def hidden(self, tokens: PackedTokens, step: Any) -> Tensor:
        """Last hidden states [wanted, width]. Features that are wider than the model hold, after what replaces the
        tokens' embeddings, what is added to them after each of the first layers (deepstack)."""
        x = self._text.embed_tokens(tokens.ids)[None]
        deepstack: tuple[Tensor, ...] = ()
        if tokens.features is not None:
            merged, *deepstack = tokens.features.to(x.dtype).split(self._width, -1)
            x = x.index_copy(1, tokens.rows, merged[None])
        self._last.rows = tokens.wanted
        angles = self._text.rotary_emb(x, tokens.positions if len(tokens.positions) == 1 else tokens.positions[:, None])
        for index, layer in enumerate(self._text.layers):
            x = layer(x, attention_mask=None, position_embeddings=angles, step=step)
            if index < len(deepstack):
                x = x.index_add(1, tokens.rows, deepstack[index][None])
        hidden: Tensor = self._text.norm(x[0] if tokens.wanted is None else x[0, tokens.wanted])
        return hidden
