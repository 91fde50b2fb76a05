"""Sample pictures with questions whose right answers are known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("pictures")


@dataclass(frozen=True)
class Known:
    """A question about pictures (file names in `FOLDER`) and its right answer."""

    pictures: tuple[str, ...]
    question: str
    answer: str

    def files(self) -> list[Path]:
        """The picture files."""
        return [FOLDER / name for name in self.pictures]


def known_questions() -> list[Known]:
    """All of them, in a fixed order."""
    entries = json.loads((FOLDER / "questions.json").read_text("utf-8"))
    return [Known(tuple(e["pictures"]), e["question"], e["answer"]) for e in entries]


def same(answer: str, right: str) -> bool:
    """Whether an answer is the right one; case and white space at the ends do not count."""
    return answer.strip().casefold() == right.strip().casefold()
