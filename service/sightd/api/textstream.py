"""Tokens to text as they come: whole characters only, and nothing of a stop string."""

from __future__ import annotations

from ..models.tokenizer import Tokenizer


class TextStream:
    """Turns one answer's tokens into text. Text that may turn out to begin a stop string is held back."""

    def __init__(self, tokenizer: Tokenizer, stop: tuple[str, ...]) -> None:
        self._stream = tokenizer.stream()
        self._stop = stop
        self._held = ""
        self.stopped = False

    def feed(self, tokens: list[int]) -> str:
        """The text that is certain after these tokens."""
        for token in tokens:
            self._held += self._stream.feed(token)
        return self._release(final=False)

    def finish(self) -> str:
        """The rest, when no more tokens come."""
        self._held += self._stream.rest()
        return self._release(final=True)

    def _release(self, final: bool) -> str:
        if self.stopped:
            return ""
        found = [at for s in self._stop if (at := self._held.find(s)) >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        keep = 0 if final else self._pending()
        text, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return text

    def _pending(self) -> int:
        """How many characters at the end could be the beginning of a stop string."""
        longest = 0
        for stop in self._stop:
            for length in range(min(len(stop) - 1, len(self._held)), longest, -1):
                if stop.startswith(self._held[-length:]):
                    longest = length
                    break
        return longest
