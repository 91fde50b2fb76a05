"""How much prompt work fits a step without holding up the sequences that are answering.

Measured, not configured: what a step takes that only decodes, and what a prompt token adds to one.
"""

from __future__ import annotations

import math

STRETCH = 1.5
"""While sequences are answering, prompts and pictures may lengthen a step by this much of its own time."""
MEMORY = 0.8


class Pace:
    """Token and time budgets of the next step; `most` and `least` are bounds on the tokens of prompts in one step."""

    def __init__(self, most: int, least: int) -> None:
        self.most = most
        self.least = least
        self.decode_seconds = 0.0
        self.token_seconds = 0.0

    def spare_seconds(self, decoding: int) -> float:
        """Seconds that prompts and pictures may add to a step with `decoding` answering sequences."""
        return STRETCH * self.decode_seconds if decoding else math.inf

    def tokens(self, decoding: int, encoding: bool) -> int:
        """Prompt tokens for the next step; half as many while the vision encoder has work too."""
        if not decoding or not self.token_seconds:
            return self.most
        spare = self.spare_seconds(decoding) * (0.5 if encoding else 1.0)
        return int(min(self.most, max(self.least, spare / self.token_seconds)))

    def rest(self, decoding: int, used: float) -> float:
        """Seconds for the vision encoder at the end of a step that took `used` seconds so far."""
        if not decoding:
            return math.inf
        return max(0.3 * self.decode_seconds, self.decode_seconds + self.spare_seconds(decoding) - used)

    def note(self, decoding: int, prompt_tokens: int, seconds: float) -> None:
        """Learn from a step."""
        if decoding and not prompt_tokens:
            self.decode_seconds = blended(self.decode_seconds, seconds)
        elif prompt_tokens >= self.least:
            rest = max(0.0, seconds - (self.decode_seconds if decoding else 0.0))
            self.token_seconds = blended(self.token_seconds, rest / prompt_tokens)


def blended(mean: float, value: float) -> float:
    """The running mean with one more value."""
    return MEMORY * mean + (1 - MEMORY) * value if mean else value
