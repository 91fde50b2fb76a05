"""The model that comes with sightd answers truthfully."""

from __future__ import annotations

import pytest
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.selftest.recipe.examination import KINDS, Report, examine

OF_EACH = 100
FLOORS = {
    "shape": 0.95, "colour": 0.95, "count": 0.93, "position": 0.93, "size": 0.97, "number": 0.94, "word": 0.96,
    "description": 0.92, "yes or no": 0.88, "follow-up": 0.96, "comparison": 0.93, "off topic": 0.98,
}  # fmt: skip
"""What the shipped weights reached (see docs/model-card.md) less a few points for another processor's rounding. The aim,
97 % of all and 93 % of every kind, is reached but for the yes-or-no questions of this set."""
ALL = 0.96


@pytest.fixture(scope="module")
def report() -> Report:
    """The held-out questions and what the shipped checkpoint says to them."""
    return examine(EMBEDDED_FOLDER, OF_EACH)


def shown(report: Report) -> str:
    """The wrong answers, for a failure's message."""
    return "\n".join(
        f"{example.kind}: {example.messages[-1]['content']} -> {answer} (right: {example.answer})"
        for example, answer in report.wrong
    )


def test_all_kinds_together(report: Report) -> None:
    """Of held-out questions, as many of every kind, no fewer are answered right than when the weights were made."""
    assert report.asked.total() == OF_EACH * len(KINDS) >= 1000
    assert report.share() >= ALL, shown(report)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(report: Report, kind: str) -> None:
    """Of the held-out questions of each kind, no fewer are answered right than when the weights were made."""
    assert report.share(kind) >= FLOORS[kind], shown(report)


def test_the_checkpoint_is_small() -> None:
    """The whole checkpoint, weights in the standard layout included, is at most 12 MB."""
    files = [path for path in EMBEDDED_FOLDER.rglob("*") if path.is_file()]
    assert {"config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"} <= {f.name for f in files}
    assert sum(path.stat().st_size for path in files) <= 12_000_000
