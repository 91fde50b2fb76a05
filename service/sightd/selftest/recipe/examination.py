"""The held-out questions: drawn from seeds that training never uses, as many of every kind."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ...engine.core import Engine
from ...engine.process import build
from ...engine.protocol import Frames, Sampling, Submission
from ...media.lockedin import digest
from ...models.families import prompt_builder
from ...models.prompt import Media
from ...models.qwen_vl.frames import prepare
from ..known import same
from . import samples
from .batches import any_size
from .samples import Sample

KINDS = (
    "shape", "colour", "count", "position", "size", "number", "word", "description", "yes or no", "follow-up",
    "comparison", "off topic",
)  # fmt: skip
LONGEST_ANSWER = 96
TOGETHER, SHARE = 16, 200
"""Questions that are answered at a time, and those that a process is given together."""
LATE = 10**9
"""A batch number far past the beginning of training, where pictures of all sizes are drawn."""


@dataclass(frozen=True)
class Example:
    """A conversation that ends with a question, the pictures in it, and the right answer."""

    kind: str
    pictures: list[Image.Image]
    messages: list[dict[str, Any]]
    answer: str


def draws(name: str) -> Iterator[Sample]:
    """Samples of all sorts, of the set of this name, without end; each has one conversation."""
    number = 0
    while True:
        number += 1
        rng = Random(f"{name}/{number}")
        chance = rng.random()
        if chance < 0.12:
            yield samples.two_pictures(rng, (any_size(rng, LATE), any_size(rng, LATE)), 1)
        elif chance < 0.17:
            yield samples.text_sample(rng, 1)
        else:
            yield samples.picture_sample(rng, any_size(rng, LATE), 1)


def held_out(of_each: int, name: str = "held-out") -> list[Example]:
    """`of_each` questions of every kind from the set of this name; a conversation counts by its last question."""
    wanted = dict.fromkeys(KINDS, of_each)
    found: list[Example] = []
    for sample in draws(name):
        last = sample.branches[0][-1]
        if wanted.get(last.kind):
            wanted[last.kind] -= 1
            messages = samples.messages(sample, sample.branches[0])[:-1]
            pictures = [drawing.picture for drawing in sample.drawings]
            found.append(Example(last.kind, pictures, messages, last.answer))
        if not any(wanted.values()):
            return found
    raise AssertionError("the stream of samples has no end")


class Candidate:
    """A checkpoint under examination, in an engine of this process."""

    def __init__(self, folder: Path) -> None:
        start = {
            "folder": str(folder), "device": "cpu", "threads": 0, "dtype": "auto", "quantization": "none", "memory_utilization": 0.5,
            "cache_tokens": TOGETHER * 1024, "max_model_len": 1024, "max_sequences": TOGETHER, "max_batch_tokens": 0, "encoder_cache_bytes": 0,
        }  # fmt: skip
        engine = build(start)[0]
        assert isinstance(engine, Engine)
        self._engine = engine
        self._prompts = prompt_builder(folder)

    def answers(self, examples: list[Example]) -> list[str]:
        """Greedy answers to all examples, some at a time."""
        result: list[str] = []
        for first in range(0, len(examples), TOGETHER):
            result += self._ask(examples[first : first + TOGETHER])
        return result

    def _ask(self, examples: list[Example]) -> list[str]:
        for number, example in enumerate(examples):
            frames = [torch.tensor(prepare(p, self._prompts.picture_plan.numbers).parts[0]) for p in example.pictures]
            media = [Media("image", f.shape[1], f.shape[2]) for f in frames]
            prompt = self._prompts.build(example.messages, media)
            sizes = [Frames(digest(f.numpy()), 1, f.shape[1], f.shape[2]) for f in frames]
            request = Submission(number, prompt.token_ids, Sampling(LONGEST_ANSWER), prompt.spans, sizes)
            self._engine.submit(request, frames)
        tokens: dict[int, list[int]] = {number: [] for number in range(len(examples))}
        while not self._engine.idle:
            for progress in self._engine.step():
                tokens[progress.id] += progress.tokens
        return [self._prompts.tokenizer.decode(tokens[number]) for number in range(len(examples))]


@dataclass(frozen=True)
class Report:
    """How many of each kind were asked and were right, and what was wrong."""

    asked: Counter[str]
    right: Counter[str]
    wrong: list[tuple[Example, str]]

    def share(self, kind: str | None = None) -> float:
        """The share of right answers, of one kind or of all."""
        if kind is not None:
            return self.right[kind] / self.asked[kind]
        return self.right.total() / self.asked.total()


def answers_of(folder: Path, examples: list[Example]) -> list[str]:
    """A checkpoint's answers to these examples."""
    return Candidate(folder).answers(examples)


def examine(folder: Path, of_each: int, name: str = "held-out") -> Report:
    """Ask a checkpoint the questions of the set of this name, in as many processes as there are cores."""
    examples = held_out(of_each, name)
    shares = [examples[first : first + SHARE] for first in range(0, len(examples), SHARE)]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        asked = pool.map(answers_of, repeat(folder), shares)
        answers = [answer for share in track(asked, "asking", len(shares), transient=True) for answer in share]
    report = Report(Counter(), Counter(), [])
    for example, answer in zip(examples, answers, strict=True):
        report.asked[example.kind] += 1
        if same(answer, example.answer):
            report.right[example.kind] += 1
        else:
            report.wrong.append((example, answer))
    return report


def main() -> None:
    """`python -m sightd.selftest.recipe.examination FOLDER`: a table by kind, and the wrong answers."""
    parser = argparse.ArgumentParser(description="Ask a checkpoint of the recipe the held-out questions.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--of-each", type=int, default=100, help="questions of every kind")
    parser.add_argument(
        "--set",
        default="held-out",
        metavar="NAME",
        help="which questions; every name has its own: choose between checkpoints by others than the held-out ones",
    )
    parser.add_argument("--wrong", type=int, default=20, help="wrong answers to show")
    arguments = parser.parse_args()
    report = examine(arguments.folder, arguments.of_each, arguments.set)
    table = Table("kind", "right", "of", "share")
    for kind in KINDS:
        table.add_row(kind, str(report.right[kind]), str(report.asked[kind]), f"{report.share(kind):.1%}")
    table.add_row("all", str(report.right.total()), str(report.asked.total()), f"{report.share():.1%}")
    console = Console()
    console.print(table)
    for example, answer in report.wrong[: arguments.wrong]:
        console.print(
            f"{example.kind}: {example.messages[-1]['content']} → {answer}  (right: {example.answer})", markup=False
        )


if __name__ == "__main__":
    main()
