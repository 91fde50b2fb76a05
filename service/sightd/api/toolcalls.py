"""Tool calls in an answer's text, in the form that Qwen's models write (after NousResearch's Hermes models):

<tool_call>
{"name": "...", "arguments": {...}}
</tool_call>
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from .textstream import unfinished

OPEN, CLOSE = "<tool_call>", "</tool_call>"
HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)')
"""The beginning of a call whose arguments can be passed on as they come."""


@dataclass(frozen=True)
class CallDelta:
    """Some of a call: `id` and `name` with the first piece of call number `index`, and some more of its arguments."""

    index: int
    arguments: str
    id: str | None = None
    name: str | None = None


Delta = str | CallDelta


class JsonEnd:
    """Finds where a JSON object that comes in pieces ends."""

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, text: str) -> int | None:
        """The number of characters up to the object's end, or None when it goes on after `text`."""
        for number, character in enumerate(text, 1):
            if self._quoted:
                self._quoted = self._escaped or character != '"'
                self._escaped = character == "\\" and not self._escaped
            elif character == '"':
                self._quoted = True
            elif character in "{[":
                self._depth += 1
            elif character in "]}":
                self._depth -= 1
                if self._depth == 0:
                    return number
        return None


class ToolCallStream:
    """Tells calls from text while an answer comes. What looks like a call and is none is given as text, so nothing of
    an answer is lost. Without `expected`, all is text; with `single`, what follows the first call is left out."""

    def __init__(self, expected: bool = True, single: bool = False) -> None:
        self._expected = expected
        self._single = single
        self._held = ""
        self._end = JsonEnd()
        self._state: Callable[[bool], list[Delta]] = self._in_text
        self.calls = 0

    def feed(self, text: str, final: bool = False) -> list[Delta]:
        """What is certain after this text, nothing of it empty text. `final`: no more comes."""
        if not self._expected:
            return [text] if text else []
        self._held += text
        deltas: list[Delta] = []
        while True:
            before = (self._held, self._state)
            deltas += self._state(final)
            if not self._held or (self._held, self._state) == before:
                return deltas

    def _in_text(self, final: bool) -> list[Delta]:
        if self._single and self.calls:
            self._held = ""
            return []
        text, found, rest = self._held.partition(OPEN)
        if found:
            self._held, self._state = rest, self._in_head
            text = text.rstrip()
        else:
            certain = text if final else text[: len(text) - unfinished(text, (OPEN,))].rstrip()
            text, self._held = certain, text[len(certain) :]
        return [text] if text and not (self.calls and text.isspace()) else []

    def _in_head(self, final: bool) -> list[Delta]:
        if match := HEAD.match(self._held):
            self._held, self._end, self._state = self._held[match.end() :], JsonEnd(), self._in_arguments
            return [self._begin(json.loads(match[1]))]
        body, closed, rest = self._held.partition(CLOSE)
        if not closed and not final:
            return []
        self._held, self._state = rest, self._in_text
        return self._whole(body, OPEN + body + closed)

    def _in_arguments(self, final: bool) -> list[Delta]:
        end = self._end.feed(self._held)
        piece, self._held = (self._held, "") if end is None else (self._held[:end], self._held[end:])
        if end is not None:
            self._state = self._after_arguments
        return [CallDelta(self.calls - 1, piece)] if piece else []

    def _after_arguments(self, final: bool) -> list[Delta]:
        _, closed, rest = self._held.partition(CLOSE)
        if closed or final:
            self._held, self._state = rest, self._in_text
        return []

    def _begin(self, name: str, arguments: str = "") -> CallDelta:
        self.calls += 1
        return CallDelta(self.calls - 1, arguments, f"call_{secrets.token_hex(12)}", name)

    def _whole(self, body: str, as_text: str) -> list[Delta]:
        """A call that came in another order or form, or the text again when it is none."""
        try:
            call = json.loads(body)
            name, arguments = call["name"], call.get("arguments", call.get("parameters", {}))
            if isinstance(arguments, str):
                arguments = json.loads(arguments)
            if not isinstance(name, str) or not isinstance(arguments, dict):
                return [as_text]
        except (ValueError, TypeError, KeyError, AttributeError):
            return [as_text]
        return [self._begin(name, json.dumps(arguments, ensure_ascii=False))]
