"""How much prompts and pictures may take of a step without holding up the sequences that are answering.

Measured, not configured: what a step takes that only decodes, and what a prompt token adds to one.
"""

from __future__ import annotations

import math

STRETCH = 2.0
"""While sequences are answering, prompts and pictures may take so many times the time of the answers, on average over
the steps: between their tokens passes three times as long as by themselves. Every further sequence that waits with a
short prompt adds one: each of them waits for a token too, and steps with more answers bring more."""
STEP_STRETCH = 1.2
"""The same for what can be divided, in every single step, for each sequence that waits with a short prompt."""
MEMORY = 0.8


class Pace:
    """Token and time budgets of the next step; `most` and `least` are bounds on the tokens of prompts in one step.
    What took longer than it should is made up for by steps without prompts and pictures."""

    def __init__(self, most: int, least: int) -> None:
        self.most = most
        self.least = least
        self.decode_seconds = 0.0
        self.token_seconds = 0.0
        self._credit = 0.0
        self._waiting = 1
        self._encoder_is_next = False

    def _spare(self, decoding: int) -> float:
        """Seconds that prompts and pictures may add to a step with `decoding` answering sequences; 0 or less when they
        have had theirs."""
        if not decoding or not self.decode_seconds:
            return math.inf
        return self._credit + self._earned()

    def _earned(self) -> float:
        return (STRETCH + self._waiting - 1) * self.decode_seconds

    def tokens(self, decoding: int, waiting: int, encoding: bool) -> int:
        """Prompt tokens for the next step, in which `decoding` sequences answer while `waiting` ones with short prompts
        have no token yet. While the vision encoder has work too, they take turns."""
        self._waiting = max(1, waiting)
        spare = self._spare_in_step(decoding)
        if math.isinf(spare):
            return self.most
        if spare <= 0 or (encoding and self._encoder_is_next):
            return 0
        return int(min(self.most, max(self.least, spare / self.token_seconds))) if self.token_seconds else self.most

    def rest(self, decoding: int, prompt_tokens: int) -> float:
        """Seconds for the vision encoder at the end of a step with so many tokens of prompts."""
        spare = self._spare_in_step(decoding)
        return spare if math.isinf(spare) or not prompt_tokens else 0.0

    def _spare_in_step(self, decoding: int) -> float:
        spare = self._spare(decoding)
        return spare if math.isinf(spare) else min(spare, STEP_STRETCH * self._waiting * self.decode_seconds)

    def note(self, decoding: int, prompt_tokens: int, seconds: float, encoding: float) -> None:
        """Learn from a step of so many seconds, and `encoding` seconds of the vision encoder after it."""
        if decoding and not prompt_tokens:
            self.decode_seconds = blended(self.decode_seconds, seconds)
        prompts = max(0.0, seconds - (self.decode_seconds if decoding else 0.0)) if prompt_tokens else 0.0
        if prompt_tokens >= self.least:
            self.token_seconds = blended(self.token_seconds, prompts / prompt_tokens)
        self._credit = min(0.0, self._credit + self._earned() - prompts - encoding) if decoding else 0.0
        self._encoder_is_next = prompt_tokens > 0


def blended(mean: float, value: float) -> float:
    """The running mean with one more value."""
    return MEMORY * mean + (1 - MEMORY) * value if mean else value
