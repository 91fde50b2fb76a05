"""What is wrong with a configuration, all of it at once, each with where it stands and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the file or variable, the key (`section.name`), its value and a sentence."""

    origin: str
    key: str
    sentence: str
    value: Any = None

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {shorten(self.value)}"
        key = f"{self.key}{shown}: " if self.key else ""
        return f"{self.origin}: {key}{self.sentence}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def shorten(value: Any, limit: int = 80) -> str:
    """A value's repr, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as the end of a sentence, or the list of names when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return "known are " + ", ".join(names) + "."
