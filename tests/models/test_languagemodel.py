"""The language model's layers."""

from __future__ import annotations

import torch
from sightd.models.languagemodel import WantedRows
from torch import nn


class Counting(nn.Linear):
    """Counts the tokens that it is given."""

    tokens = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product."""
        self.tokens += x.shape[1]
        return super().forward(x)


def test_only_what_is_wanted_is_computed() -> None:
    """Wanted tokens get their numbers, at the cost of no others; without a choice all do."""
    torch.manual_seed(0)
    inner, x = Counting(8, 8), torch.randn(1, 6, 8)
    part, expected = WantedRows(inner), nn.functional.linear(x, inner.weight, inner.bias)
    for rows, tokens in ((None, 6), ([1, 5], 2), ([], 0), (list(range(6)), 6)):
        inner.tokens = 0
        part.rows = None if rows is None else torch.tensor(rows, dtype=torch.int64)
        seen = slice(None) if rows is None else rows
        torch.testing.assert_close(inner(x)[:, seen], expected[:, seen])
        assert inner.tokens == tokens
