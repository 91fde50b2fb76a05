"""How often the recipe draws which kind of picture, and asks which kind of question about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import layouts
from .phrases import Language, Turn
from .questions import counting, describing, placing, properties, reading, sizing
from .scene import Scene

Asker = Callable[[Scene, Language, Random], Turn | None]
Askers = dict[str, tuple[tuple[Asker, int], ...]]
"""Per layout: who may ask, and how often."""

ASKERS: Askers = {
    "single": (
        (properties.colour, 4),
        (properties.shape, 6),
        (properties.both, 2),
        (describing.describe, 4),
        (placing.where, 3),
        (properties.ground, 1),
        (describing.is_it, 2),
        (describing.is_there, 2),
        (counting.count, 1),
    ),
    "pair": (
        (properties.colour, 3),
        (properties.shape, 3),
        (placing.relative, 8),
        (placing.at_side, 2),
        (placing.kind_at_side, 3),
        (sizing.bigger_of_two, 5),
        (sizing.biggest, 2),
        (sizing.bigger_side, 2),
        (describing.describe, 3),
        (describing.is_there, 1),
        (describing.is_it, 1),
        (counting.count, 1),
        (describing.is_bigger, 1),
        (describing.is_placed, 2),
    ),
    "several": (
        (properties.colour, 3),
        (properties.shape, 3),
        (placing.relative, 5),
        (sizing.bigger_of_two, 2),
        (sizing.biggest, 2),
        (describing.is_there, 2),
        (describing.is_it, 1),
        (counting.count, 3),
        (describing.describe, 1),
        (describing.is_placed, 1),
        (describing.is_bigger, 1),
    ),
    "groups": (
        (counting.count, 10),
        (describing.describe, 2),
        (describing.is_there, 1),
        (properties.colour, 1),
        (properties.shape, 1),
        (describing.is_more, 1),
    ),
    "lined": (
        (counting.count, 10),
        (describing.describe, 2),
        (describing.is_there, 1),
        (properties.colour, 1),
        (properties.shape, 1),
        (describing.is_more, 1),
    ),
    "sign": ((reading.read, 8), (properties.colour, 2), (properties.shape, 3), (properties.ink, 1)),
    "written": (
        (reading.read, 10),
        (properties.ink, 1),
        (describing.describe, 2),
        (properties.ground, 1),
        (properties.shape, 1),
        (properties.colour, 1),
    ),
    "blank": ((describing.describe, 3), (properties.ground, 3), (counting.count, 1)),
}
LAYOUTS: dict[str, layouts.Layout] = {
    "single": layouts.single,
    "pair": layouts.pair,
    "several": layouts.several,
    "groups": layouts.groups,
    "lined": layouts.lined,
    "scattered": layouts.scattered,
    "sign": layouts.sign,
    "written": layouts.written,
    "blank": layouts.blank,
}
LOOKED_AT = {"single": 20, "pair": 15, "several": 10, "groups": 8, "lined": 4, "sign": 6, "written": 37}
"""The mix of pictures without questions: more to read, since reading takes longest to learn."""


@dataclass(frozen=True)
class Mix:
    """How often which layout is drawn, and which question is asked about it."""

    layouts: dict[str, int]
    askers: Askers


EVEN = Mix(
    {"single": 22, "pair": 21, "several": 10, "groups": 12, "lined": 5, "sign": 4, "written": 25, "blank": 1}, ASKERS
)
"""What the tokenizer is made from and the model is examined on."""

HARDER: dict[Asker, int] = {
    placing.relative: 2,
    properties.ground: 4,
    properties.ink: 3,
    describing.is_it: 2,
    describing.is_there: 2,
    describing.is_placed: 2,
    counting.count: 2,
    reading.read: 2,
}
"""Questions that take longest to learn, and how much more often training asks them."""
TAUGHT = Mix(
    {"single": 17, "pair": 25, "several": 12, "groups": 12, "lined": 5, "sign": 4, "written": 24, "blank": 1},
    {
        layout: tuple((asker, often * HARDER.get(asker, 1)) for asker, often in askers)
        for layout, askers in ASKERS.items()
    },
)
"""What most answers are taught with."""

PLACING: tuple[tuple[Asker, int], ...] = (
    (placing.where_among, 5),
    (placing.relative, 8),
    (describing.is_placed, 5),
    (placing.at_side, 1),
    (placing.kind_at_side, 1),
    (properties.colour, 3),
    (properties.shape, 2),
    (describing.is_it, 2),
    (describing.is_bigger, 1),
    (sizing.bigger_of_two, 1),
)
COUNTING: tuple[tuple[Asker, int], ...] = (
    (counting.count, 10),
    (describing.is_there, 4),
    (describing.is_more, 2),
    (describing.describe, 2),
    (properties.colour, 1),
)
COUNTED = {"groups": 3, "lined": 1, "several": 1, "scattered": 2}
JUDGING: tuple[tuple[Asker, int], ...] = (
    (describing.is_there, 5),
    (describing.is_it, 3),
    (describing.is_placed, 4),
    (describing.is_bigger, 2),
    (describing.is_more, 2),
    (describing.describe, 2),
)
JUDGED = {"single": 4, "pair": 5, "several": 3, "groups": 2, "lined": 1}
READING: tuple[tuple[Asker, int], ...] = ((reading.read, 6), (describing.describe, 2))


@dataclass(frozen=True)
class Drill:
    """Single questions of few sorts, `branches` about each of so many pictures that they are this `share` of a batch's
    rows."""

    mix: Mix
    branches: int
    share: float


DRILLS = {
    "placing": Drill(Mix({"pair": 1, "several": 1}, dict.fromkeys(("pair", "several"), PLACING)), 12, 0.5),
    "counting": Drill(Mix(COUNTED, dict.fromkeys(COUNTED, COUNTING)), 12, 0.5),
    "judging": Drill(Mix(JUDGED, dict.fromkeys(JUDGED, JUDGING)), 12, 0.5),
    "reading": Drill(Mix({"written": 6, "sign": 1}, dict.fromkeys(("written", "sign"), READING)), 2, 1.0),
}
"""What takes two steps of reasoning is not learnt from the mix, where it is asked too seldom: the relation of two things
stayed at chance for thousands of batches, and was learnt within 350 once its first step, the place of one
thing among several, was asked beside it. A picture with text has one thing to ask about, so reading takes pictures."""
