"""What a step reads in which every sequence decodes one token: buffers that stay at their place on the device, so that
a recorded step finds there what was put in since."""

from __future__ import annotations

from collections.abc import Sequence as Collection

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .attention.layout import DecodeLayout
from .sequence import Sequence
from .uploading import upload

TOKEN, SLOT, CONTEXT, POSITIONS = 0, 1, 2, 3
"""The rows of the buffer of numbers; positions have one for each axis."""


class DecodeInputs:
    """Buffers for up to `rows` sequences with tables of up to `width` blocks. Rows that have no sequence are padding:
    they write to the block `scratch`, which no sequence has, and read it."""

    def __init__(self, rows: int, axes: int, width: int, block_size: int, scratch: int, device: torch.device) -> None:
        self._block_size = block_size
        self._padding = [scratch]
        self._host = np.zeros((POSITIONS + axes, rows), np.int64)
        self._numbers = torch.zeros(self._host.shape, dtype=torch.int64, device=device)
        self._tables = torch.full((rows, width), scratch, dtype=torch.int32, device=device)
        self._written: list[tuple[list[int], int]] = [(self._padding, 1)] * rows

    def fill(self, sequences: Collection[Sequence], rows: int) -> None:
        """Put in the next token of each sequence, and padding up to `rows`."""
        for row, sequence in enumerate(sequences):
            self._fill_row(row, sequence)
        padding = slice(len(sequences), rows)
        self._host[:, padding] = 0
        self._host[SLOT, padding] = self._padding[0] * self._block_size
        self._host[CONTEXT, padding] = 1
        tables = [sequence.blocks for sequence in sequences] + [self._padding] * (rows - len(sequences))
        changes = [change for row, blocks in enumerate(tables) if (change := self._change(row, blocks)) is not None]
        if changes:
            places, blocks = upload(np.concatenate(changes, 1), self._tables.device)
            self._tables.view(-1).index_copy_(0, places, blocks.int())
        self._numbers.copy_(upload(self._host, self._numbers.device), non_blocking=True)

    def _fill_row(self, row: int, sequence: Sequence) -> None:
        at = sequence.computed
        block, offset = divmod(at, self._block_size)
        column = self._host[:, row]
        column[TOKEN] = sequence.tokens[at]
        column[SLOT] = sequence.blocks[block] * self._block_size + offset
        column[CONTEXT] = at + 1
        in_prompt = at < sequence.prompt_length
        column[POSITIONS:] = sequence.positions[:, at] if in_prompt else at + sequence.shift

    def _change(self, row: int, blocks: list[int]) -> NDArray[np.int64] | None:
        """What the row's table does not hold yet: places in all tables, and the blocks that belong there. A sequence's
        list of blocks grows while it runs, and is another one when it was preempted."""
        known, written = self._written[row]
        width = self._tables.shape[1]
        begin, end = written if known is blocks else 0, min(len(blocks), width)
        if begin >= end:
            return None
        self._written[row] = blocks, end
        return np.array([np.arange(row * width + begin, row * width + end), blocks[begin:end]])

    def tokens(self, rows: int) -> tuple[Tensor, Tensor]:
        """Token ids int64 [rows] and positions int64 [axes, rows] of the first rows."""
        return self._numbers[TOKEN, :rows], self._numbers[POSITIONS:, :rows]

    def layout(self, rows: int, width: int) -> DecodeLayout:
        """Where they lie in the cache, for one forward pass."""
        return DecodeLayout(
            self._numbers[SLOT, :rows],
            self._tables[:rows, :width],
            self._numbers[CONTEXT, :rows].int(),
            self._block_size,
        )
