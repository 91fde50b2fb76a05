"""Log probabilities of an answer's tokens, in step with the text that is given out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ..engine.protocol import Logprobs
from ..models.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenReport:
    """A token's bytes and its log probability; for a chosen token also the likeliest ones in its place."""

    content: bytes
    logprob: float
    likeliest: tuple[TokenReport, ...] = ()

    @property
    def text(self) -> str:
        """The token as text; bytes that are no whole character become U+FFFD."""
        return self.content.decode("utf-8", "replace")


class ReportStream:
    """Holds every token's report back until text of it was given out: a token that only a stop string is made of is
    never reported."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._held: deque[TokenReport] = deque()
        self._shown = 0
        """Bytes of text given out, less those of the tokens reported."""

    def feed(self, tokens: list[int], logprobs: list[Logprobs] | None) -> None:
        """Take the reports of new tokens."""
        for token, (logprob, ids, values) in zip(tokens, logprobs or (), strict=False):
            likeliest = tuple(TokenReport(self._tokenizer.bytes_of(i), v) for i, v in zip(ids, values, strict=True))
            self._held.append(TokenReport(self._tokenizer.bytes_of(token), logprob, likeliest))

    def release(self, text: str) -> tuple[TokenReport, ...]:
        """The reports of the tokens that this text, given out now, is made of."""
        self._shown += len(text.encode("utf-8", "surrogatepass"))
        released = []
        while self._held and self._shown > 0:
            report = self._held.popleft()
            self._shown -= len(report.content)
            released.append(report)
        return tuple(released)
