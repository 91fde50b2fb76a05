"""Tokens to text as they come: whole characters only, and nothing of a stop string unless it is wanted."""

from __future__ import annotations

from ..models.tokenizer import Tokenizer


class TextStream:
    """Turns one answer's tokens into text. Text that may turn out to begin a stop string is held back; with
    `include_stop` the stop string ends the text instead of being left out. In the text of the first `least` tokens no
    stop string ends anything."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        stop: tuple[str, ...],
        include_stop: bool = False,
        skip_special: bool = True,
        least: int = 0,
    ) -> None:
        self._stream = tokenizer.stream(skip_special)
        self._stop = stop
        self._include_stop = include_stop
        self._least = least
        self._held = ""
        self.stopped_by: str | None = None
        """The stop string that ended the text."""

    @property
    def stopped(self) -> bool:
        """Whether a stop string ended the text."""
        return self.stopped_by is not None

    def feed(self, tokens: list[int]) -> str:
        """The text that is certain after these tokens."""
        certain = ""
        for token in tokens:
            self._held += self._stream.feed(token)
            if self._least > 0:
                self._least -= 1
                certain, self._held = certain + self._held, ""
        return certain + self._release(final=False)

    def finish(self) -> str:
        """The rest, when no more tokens come."""
        self._held += self._stream.rest()
        return self._release(final=True)

    def _release(self, final: bool) -> str:
        if self.stopped:
            return ""
        found = [(at, s) for s in self._stop if (at := self._held.find(s)) >= 0]
        if found:
            at, self.stopped_by = min(found)
            text, self._held = self._held[: at + len(self.stopped_by) * self._include_stop], ""
            return text
        keep = 0 if final else unfinished(self._held, self._stop)
        text, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return text


def unfinished(text: str, endings: tuple[str, ...]) -> int:
    """How many characters at the end of `text` could be the beginning of one of `endings`."""
    longest = 0
    for ending in endings:
        for length in range(min(len(ending) - 1, len(text)), longest, -1):
            if ending.startswith(text[-length:]):
                longest = length
                break
    return longest
