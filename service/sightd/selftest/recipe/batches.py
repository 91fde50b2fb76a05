"""Training batches. Batch `number` of a seed is always the same."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

from ...models.qwen_vl.prompt import QwenVlPrompts, read_layout
from ...models.template import ChatTemplate
from ...models.tokenizer import Tokenizer
from . import samples
from .cells import Labels
from .checkpoint import IMAGE_PIXELS
from .encoding import Encoder, Picture
from .layouts import Size
from .mix import DRILLS, TAUGHT
from .packing import Batch, pack
from .samples import Sample

DRILLED = {"placing": 26, "counting": 20, "comparing": 28, "reading": 8, "picture": 12, "two": 3, "text": 3}
MIXED = {
    "picture": 42, "judging": 12, "two": 11, "text": 3, "placing": 6, "counting": 11, "comparing": 7, "reading": 8,
}  # fmt: skip
"""How many batches of a hundred are of which kind, up to DRILLED_UNTIL and from then on."""
DRILLED_UNTIL = 4500
BRANCHES, COMPARISONS = 4, 12
"""Conversations about each picture, and questions about two of them in a drill."""
SMALL_FIRST = 1500
"""Batches with small pictures only at the beginning: cheaper, and enough to learn colours, shapes and places from."""
EARLY_PIXELS = (128 * 128, 160 * 160)
"""The least and the most pixels of a picture as the model sees it, before ENLARGED_FROM: cheaper by a third, but digits
and small things are hard to tell apart at that size."""
ENLARGED_FROM = 7000


def encoder(folder: Path, number: int) -> Encoder:
    """The encoder of batch `number` for the checkpoint being trained."""
    template = ChatTemplate((folder / "chat_template.jinja").read_text("utf-8"))
    pixels = EARLY_PIXELS if number < ENLARGED_FROM else IMAGE_PIXELS
    return Encoder(QwenVlPrompts(Tokenizer(folder), template, read_layout(folder)), pixels)


def any_size(rng: Random, number: int) -> Size:
    """A picture's width and height: mostly everyday sizes and shapes, with a tail of small, large and long ones."""
    largest = 170 if number < SMALL_FIRST else 480
    area = math.exp(rng.uniform(math.log(100**2), math.log(largest**2)))
    aspect = math.exp(rng.gauss(0, 0.32)) if rng.random() < 0.88 else math.exp(rng.uniform(-0.8, 0.8))
    if rng.random() < 0.2:
        aspect = 1.0
    return max(90, round(math.sqrt(area * aspect))), max(90, round(math.sqrt(area / aspect)))


def same_grid(code: Encoder, like: Size, rng: Random) -> Size:
    """Another size that is resized to what `like` is resized to."""
    wanted = code.size(*like)
    for _ in range(12):
        scale, stretch = math.exp(rng.uniform(-0.5, 0.7)), math.exp(rng.uniform(-0.12, 0.12))
        size = (round(like[0] * scale * stretch), round(like[1] * scale / stretch))
        if min(size) >= 90 and max(size) <= 1000 and code.size(*size) == wanted:
            return size
    return like


def draw_samples(code: Encoder, rng: Random, kind: str, number: int, rows: int) -> list[Sample]:
    """Samples of one kind; their pictures share a size (two sizes where there are two pictures)."""
    one, two = any_size(rng, number), any_size(rng, number)
    if kind in DRILLS:
        drill = DRILLS[kind]
        sizes = [same_grid(code, one, rng) for _ in range(max(1, int(rows * drill.share)))]
        return [samples.drill(rng, size, drill.branches, drill.mix) for size in sizes]
    if kind == "picture":
        return [samples.picture_sample(rng, same_grid(code, one, rng), BRANCHES, TAUGHT) for _ in range(rows)]
    if kind == "text":
        return [samples.text_sample(rng, BRANCHES) for _ in range(rows)]
    if rng.random() < 0.4:
        two = one
    count = rows // 2 if kind == "two" else max(1, rows * 3 // 8)
    pairs = [(same_grid(code, one, rng), same_grid(code, two, rng)) for _ in range(count)]
    return [compared(rng, kind, pair if rng.random() < 0.5 else pair[::-1]) for pair in pairs]


def compared(rng: Random, kind: str, sizes: tuple[Size, Size]) -> Sample:
    """A sample of two pictures."""
    if kind == "two":
        return samples.two_pictures(rng, sizes, BRANCHES)
    return samples.comparison(rng, sizes, COMPARISONS, samples.COMPARED_IN_DRILLS)


def sights(code: Encoder, seed: int, number: int, rows: int, share: int) -> tuple[list[Picture], list[Labels]]:
    """One process's share of batch `number` of the first phase: pictures and the classes of their cells."""
    one = any_size(Random(f"{seed}/{number}"), number)
    rng = Random(f"{seed}/{number}/{share}")
    seen = [code.seen(samples.sight(rng, same_grid(code, one, rng))) for _ in range(rows)]
    return [p for pictures, _ in seen for p in pictures], [c for _, cells in seen for c in cells]


def batch(code: Encoder, seed: int, number: int, rows: int, share: int) -> Batch:
    """One process's share of batch `number`: `rows` samples. All shares of a batch are of one kind and size."""
    rng = Random(f"{seed}/{number}")
    kinds = DRILLED if number < DRILLED_UNTIL else MIXED
    kind = rng.choices(list(kinds), list(kinds.values()))[0]
    made = draw_samples(code, Random(f"{seed}/{number}/{share}"), kind, number, rows)
    return pack([code.row(sample) for sample in made])
