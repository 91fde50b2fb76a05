"""An endless stream of training batches, drawn in worker processes. The same seed gives the same batches."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from ...models.qwen_vl.prompt import QwenVlPrompts, read_layout
from ...models.template import ChatTemplate
from ...models.tokenizer import Tokenizer
from ...processes.child import die_with_parent
from . import samples
from .checkpoint import limits
from .encoding import Encoder, padded
from .layouts import Size
from .samples import Sample

KINDS = {"picture": 78, "two": 11, "film": 4, "text": 7}
"""How many batches of a hundred are of which kind."""


def encoder(folder: Path) -> Encoder:
    """The encoder for the checkpoint being trained."""
    template = ChatTemplate((folder / "chat_template.jinja").read_text("utf-8"))
    return Encoder(QwenVlPrompts(Tokenizer(folder), template, read_layout(folder)), limits(folder))


SMALL_FIRST = 6000
"""Batches with small pictures only at the beginning: cheaper, and enough to learn colours, shapes and places from."""


def any_size(rng: Random, number: int) -> Size:
    """A picture's width and height: mostly everyday sizes and shapes, with a tail of very small, large and long ones."""
    largest = 170 if number < SMALL_FIRST else 480
    area = math.exp(rng.uniform(math.log(90**2), math.log(largest**2)))
    aspect = math.exp(rng.gauss(0, 0.32)) if rng.random() < 0.85 else math.exp(rng.uniform(-1.4, 1.4))
    if rng.random() < 0.2:
        aspect = 1.0
    return max(48, round(math.sqrt(area * aspect))), max(48, round(math.sqrt(area / aspect)))


def same_grid(code: Encoder, like: Size, rng: Random) -> Size:
    """Another size that is resized to what `like` is resized to."""
    wanted = code.size(*like)
    for _ in range(12):
        scale, stretch = math.exp(rng.uniform(-0.5, 0.7)), math.exp(rng.uniform(-0.12, 0.12))
        size = (round(like[0] * scale * stretch), round(like[1] * scale / stretch))
        if min(size) >= 48 and max(size) <= 1000 and code.size(*size) == wanted:
            return size
    return like


def draw_samples(code: Encoder, rng: Random, number: int, rows: int) -> list[Sample]:
    """One batch of samples of one kind; their pictures share a size (two sizes where there are two pictures)."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    one, two = any_size(rng, number), any_size(rng, number)
    if kind == "picture":
        return [samples.picture_sample(rng, same_grid(code, one, rng), 4) for _ in range(rows)]
    if kind == "two":
        if rng.random() < 0.4:
            two = one
        pairs = [(same_grid(code, one, rng), same_grid(code, two, rng)) for _ in range(rows // 2)]
        return [samples.two_pictures(rng, pair if rng.random() < 0.5 else pair[::-1], 4) for pair in pairs]
    if kind == "film":
        return [samples.film_sample(rng, (rng.randint(90, 240), rng.randint(90, 240)), 3) for _ in range(rows // 4)]
    return [samples.text_sample(rng, 3) for _ in range(rows)]


def batch(code: Encoder, seed: int, number: int, rows: int) -> dict[str, Any]:
    """Batch `number` of the stream that `seed` names."""
    rng = Random(f"{seed}/{number}")
    made = [code.row(sample) for sample in draw_samples(code, rng, number, rows)]
    return padded(made, code.prompts.tokenizer.special["<|endoftext|>"])


def work(folder: Path, seed: int, rows: int, first: int, step: int, steps: int, out: Any) -> None:
    """A worker: every `step`-th batch from `first` on, until all are made or the trainer is gone."""
    die_with_parent(os.getppid(), signal.SIGKILL)
    code = encoder(folder)
    for number in range(first, steps, step):
        out.put(batch(code, seed, number, rows))


def stream(folder: Path, seed: int, rows: int, start: int, steps: int, workers: int) -> Iterator[dict[str, Any]]:
    """Batches `start` to `steps` in order, made ahead by `workers` processes."""
    context = multiprocessing.get_context("spawn")
    queues = [context.Queue(6) for _ in range(workers)]
    for index, queue in enumerate(queues):
        context.Process(
            target=work, args=(folder, seed, rows, start + index, workers, steps, queue), daemon=True
        ).start()
    for number in range(start, steps):
        yield queues[(number - start) % workers].get()
