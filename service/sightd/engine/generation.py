"""One request's `generate` of transformers as work that can pause: it hands out logits and is handed tokens.

It runs in a coroutine of its own (a greenlet) that stops where transformers asks a logits processor for the next token,
and before a layer of the network when its slice of time is over.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from greenlet import GreenletExit, getcurrent, greenlet
from torch import Tensor, nn
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList


class Generation(greenlet):  # type: ignore[misc]
    """Generates up to `most` tokens after `inputs`, the first of which are `known` already. `advance` runs it."""

    def __init__(self, model: Any, inputs: Mapping[str, Any], known: Iterable[int], most: int) -> None:
        super().__init__(self._generate)
        self._model = model
        self._inputs = inputs
        self._known = deque(known)
        self._most = most
        self.deadline = 0.0

    def advance(self, token: int | None, deadline: float) -> Tensor | None:
        """Go on with `token`, where logits were given last, until there are logits again, float32 [1, vocabulary], or
        until the deadline on the monotonic clock: None then. Raises what the network raises."""
        self.deadline = deadline
        logits: Tensor | None = self.switch(token)
        if self.dead:
            raise RuntimeError("the generation ended by itself")
        return logits

    def end(self) -> None:
        """Stop for good, wherever it is."""
        if not self.dead:
            self.throw(GreenletExit)

    def _generate(self, _: None) -> None:
        config = GenerationConfig(do_sample=False, max_new_tokens=self._most + 1, eos_token_id=None)
        self._model.generate(
            **self._inputs, generation_config=config, logits_processor=LogitsProcessorList([_Choice(self)])
        )

    def choose(self, logits: Tensor) -> int:
        """The token that comes next: one that is known, or what whoever drives this makes of the logits."""
        if self._known:
            return self._known.popleft()
        token: int = self.parent.switch(logits)
        return token


class _Choice(LogitsProcessor):
    """Leaves the chosen token only."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    def __call__(self, _: Tensor, scores: Tensor) -> Tensor:
        token = self._generation.choose(scores)
        return torch.full_like(scores, -torch.inf).index_fill_(1, torch.tensor([token], device=scores.device), 0.0)


def let_pause(model: nn.Module) -> None:
    """Make the layers of a model the places where a generation pauses."""
    for stack in model.modules():
        for layer in stack if isinstance(stack, nn.ModuleList) else ():
            layer.register_forward_pre_hook(_pause)


def _pause(*_: object) -> None:
    current = getcurrent()
    if isinstance(current, Generation) and time.monotonic() >= current.deadline:
        current.parent.switch(None)
