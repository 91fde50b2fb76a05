"""The last layer of a language model: nothing comes after it but the norm and the head, so what it adds to a token is
needed only where logits are wanted, of a whole prompt at its end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class WantedRows(nn.Module):
    """The feed-forward part of a layer, computed for the tokens `rows` int64 [wanted] alone (None: for all). Input and
    output [1, tokens, width]; the others get zeros."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.rows: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The part's output."""
        if self.rows is None or len(self.rows) == x.shape[1]:
            whole: Tensor = self.inner(x)
            return whole
        result = torch.zeros_like(x)
        if len(self.rows):
            result[:, self.rows] = self.inner(x[:, self.rows])
        return result


def limited(text: Any) -> WantedRows:
    """Let the last layer of a language model of transformers' compute what is wanted of it."""
    last = text.layers[-1]
    limit = WantedRows(last.mlp)
    last.mlp = limit
    return limit
