"""The kinds of picture that the recipe draws: one thing, a pair, several, groups to count, printed text, nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from .colours import COLOURS, Colour
from .scene import Background, Canvas, Item, Scene, Text, background, coloured, seen_on
from .shapes import SHAPES, Shape
from .vocabulary import WORDS

Size = tuple[int, int]
Layout = Callable[[Random, Size], Scene]


def shape(rng: Random) -> Shape:
    """A shape; the commonest ones more often."""
    return rng.choice(SHAPES[:4]) if rng.random() < 0.3 else rng.choice(SHAPES)


def canvas(rng: Random, size: Size, ground: Background | None = None) -> Canvas:
    """An empty canvas of `size` (width, height)."""
    return Canvas(rng, size[0], size[1], ground or background(rng))


def single(rng: Random, size: Size) -> Scene:
    """One shape, from small to filling the canvas."""
    board = canvas(rng, size)
    while not board.items:
        low, high = rng.choice(((0.18, 0.28), (0.25, 0.42), (0.35, 0.65)))
        board.put(shape(rng), rng.choice(COLOURS), rng.uniform(low, high) * board.span, (0, 0))
    board.items = [inside(board.items[0], board)]
    return board.scene()


def inside(item: Item, board: Canvas) -> Item:
    """The item moved (and shrunk where it must be) to lie within the canvas, anywhere in it."""
    xs, ys = zip(*item.points, strict=True)
    shrink = min(1.0, 0.98 * board.width / (max(xs) - min(xs)), 0.98 * board.height / (max(ys) - min(ys)))
    x = board.rng.uniform(-min(xs) * shrink, board.width - max(xs) * shrink)
    y = board.rng.uniform(-min(ys) * shrink, board.height - max(ys) * shrink)
    return replace(item, x=x, y=y, radius=item.radius * shrink)


def pair(rng: Random, size: Size) -> Scene:
    """Two different things: side by side, one above the other, or anywhere; of one size or of two."""
    while True:
        board = canvas(rng, size)
        one = rng.uniform(0.17, 0.3) * board.span
        other = one if rng.random() < 0.3 else one * rng.choice((rng.uniform(1.35, 2.2), 1 / rng.uniform(1.35, 2.2)))
        radii = [max(0.13 * board.span, min(r, 0.3 * max(size))) for r in (one, other)]
        for radius, place in zip(radii, places(rng, size, radii), strict=True):
            board.put(shape(rng), rng.choice(COLOURS), radius, place)
        if len(board.items) == 2 and board.items[0].kind != board.items[1].kind and apart(board):
            return board.scene()


def apart(board: Canvas) -> bool:
    """Whether no item overlaps another or leaves the canvas."""
    items = list(board.items)
    for item in items:
        board.items = [other for other in items if other is not item]
        if not board.free(item.x, item.y, item.radius, 1.05):
            return False
    board.items = items
    return True


def places(rng: Random, size: Size, radii: list[float]) -> list[tuple[float, float]]:
    """Two centres: on one line across or down, or two corners of the canvas."""
    width, height = size
    across = rng.random()
    spots = []
    for radius, share in zip(radii, (rng.uniform(0.1, 0.38), rng.uniform(0.62, 0.9)), strict=True):
        x, y = width * share, height * share
        if across < 0.4:
            y = height * 0.5 + rng.uniform(-0.08, 0.08) * height
        elif across < 0.8:
            x = width * 0.5 + rng.uniform(-0.08, 0.08) * width
        elif across < 0.9:
            y = height - y
        spots.append((min(max(x, radius), width - radius), min(max(y, radius), height - radius)))
    if rng.random() < 0.5:
        spots.reverse()
        radii.reverse()
    return spots


def several(rng: Random, size: Size) -> Scene:
    """Three or four things, no two of the same colour and shape."""
    wanted = rng.choice((3, 3, 4))
    while True:
        board = canvas(rng, size)
        for _ in range(3 * wanted):
            shape_, colour = shape(rng), rng.choice(COLOURS)
            if len(board.items) < wanted and all(i.kind != (colour.name, shape_.name) for i in board.items):
                board.put(shape_, colour, rng.uniform(0.14, 0.23) * board.span)
        if len(board.items) >= 3:
            return board.scene()


def groups(rng: Random, size: Size) -> Scene:
    """One to six things in up to three groups alike in colour and shape, for counting."""
    while True:
        board = canvas(rng, size)
        kinds = kinds_to_count(rng)
        counts = shares(rng, rng.choice((1, 2, 3, 3, 4, 4, 5, 5, 6)), len(kinds))
        crowd = sum(counts)
        low, high = (0.15, 0.22) if crowd <= 4 else (0.13, 0.17)
        even = rng.uniform(low, high)
        for (shape_, colour), count in zip(kinds, counts, strict=True):
            for _ in range(count):
                board.put(shape_, colour, (even if rng.random() < 0.7 else rng.uniform(low, high)) * board.span)
        if len(board.items) == crowd:
            return board.scene()


def lined(rng: Random, size: Size) -> Scene:
    """Two to six things of one or two kinds in rows, as a sheet of icons has them."""
    while True:
        board = canvas(rng, size)
        columns, rows = rng.choice(((2, 1), (3, 1), (4, 1), (1, 2), (1, 3), (2, 2), (3, 2), (2, 3)))
        count = rng.randint(max(1, columns * (rows - 1)), columns * rows)
        wide, tall = board.width / columns, board.height / rows
        radius = min(wide, tall) * rng.uniform(0.25, 0.44)
        kinds = kinds_to_count(rng)[:2]
        for index in range(count):
            place = ((index % columns + 0.5) * wide, (index // columns + 0.5) * tall)
            board.put(*rng.choice(kinds), radius, place)
        if len(board.items) == count and radius > 0.13 * board.span and count > 1:
            return board.scene()


def scattered(rng: Random, size: Size) -> Scene:
    """One to six small things of one or two kinds anywhere, for counting."""
    while True:
        board = canvas(rng, size)
        kinds = kinds_to_count(rng)[:2]
        count = rng.randint(1, 6)
        radius = rng.uniform(0.075, 0.13) * board.span
        for _ in range(count):
            board.put(*rng.choice(kinds), radius)
        if len(board.items) == count:
            return board.scene()


def kinds_to_count(rng: Random) -> list[tuple[Shape, Colour]]:
    """One to three kinds that share a colour, a shape, or neither."""
    first = (shape(rng), rng.choice(COLOURS))
    kinds = [first]
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        sharing = rng.random()
        other = (first[0] if sharing < 0.4 else shape(rng), first[1] if sharing > 0.65 else rng.choice(COLOURS))
        if other not in kinds:
            kinds.append(other)
    return kinds


def shares(rng: Random, total: int, parts: int) -> list[int]:
    """`total` split into `parts` counts, each at least one (the total grows where it must)."""
    counts = [1] * parts
    for _ in range(max(0, total - parts)):
        counts[rng.randrange(parts)] += 1
    return counts


def written(rng: Random, size: Size) -> Scene:
    """A printed number or word, sometimes with a shape beside it."""
    while True:
        ground = background(rng)
        board = canvas(rng, size, ground)
        text = number(rng) if rng.random() < 0.5 else word(rng)
        if (ground.pattern == "plain" and rng.random() < 0.35) or not print_on(board, text):
            beside(board, text)
        if board.texts:
            return board.scene()


def number(rng: Random) -> str:
    """One to four digits."""
    digits = rng.choice((1, 2, 3, 4, 4))
    return "".join(rng.choice("0123456789") for _ in range(digits))


def word(rng: Random) -> str:
    """A word of the vocabulary, in capitals."""
    return rng.choice(WORDS).upper()


def text_height(board: Canvas, text: str, share: float) -> float:
    """The font size at which `text` takes about `share` of the canvas's width, within the canvas's height."""
    return min(board.width * share / (0.62 * max(1, len(text))), board.height * 0.8)


def print_on(board: Canvas, text: str) -> bool:
    """Put the text somewhere on the empty canvas; False when no ink was found that can be read there."""
    rng = board.rng
    ink = readable(board, rng)
    if ink is None:
        return False
    height = max(text_height(board, text, rng.uniform(0.6, 0.95)), 0.25 * board.span, 24)
    half = min(0.5, 0.34 * height * len(text) / board.width)
    x = rng.uniform(half, 1 - half) * board.width
    low = min(0.5, 0.6 * height / board.height)
    y = rng.uniform(low, 1 - low) * board.height
    turn = 0.0 if rng.random() < 0.85 else rng.uniform(-4, 4)
    board.texts.append(Text(text, ink[1], x, y, height, turn, ink[0]))
    return True


def readable(board: Canvas, rng: Random) -> tuple[Colour, tuple[int, int, int]] | None:
    """An ink that stands out well: black or white mostly, else any colour."""
    for _ in range(12):
        colour = rng.choice([c for c in COLOURS if c.name in ("black", "white")] if rng.random() < 0.6 else COLOURS)
        rgb = coloured(colour, board.ground, rng)
        if rgb is not None and seen_on(rgb, board.ground, 260):
            return colour, rgb
    return None


def beside(board: Canvas, text: str) -> None:
    """The text in one part of the canvas and a shape in the other."""
    rng, (width, height) = board.rng, (board.width, board.height)
    ink = readable(board, rng)
    if ink is None:
        return
    flat = width > height
    radius = 0.2 * board.span
    place = (width * 0.2, height * 0.5) if flat else (width * 0.5, height * 0.22)
    if board.put(shape(rng), rng.choice(COLOURS), radius * rng.uniform(0.7, 1), place) is None:
        return
    x, y = (width * 0.69, height * 0.5) if flat else (width * 0.5, height * 0.72)
    room = width * (0.56 if flat else 0.9)
    size = min(room / (0.66 * len(text)), height * 0.35)
    board.texts.append(Text(text, ink[1], x, y, max(size, 12), 0.0, ink[0]))


def sign(rng: Random, size: Size) -> Scene:
    """A number or a word on a shape that fills much of the canvas."""
    while True:
        board = canvas(rng, size)
        plate = rng.choice([s for s in SHAPES if s.name in ("circle", "square", "rectangle", "diamond")])
        item = board.put(
            plate, rng.choice(COLOURS), rng.uniform(0.35, 0.49) * board.span, (board.width / 2, board.height / 2)
        )
        if item is None:
            continue
        text = number(rng) if rng.random() < 0.6 else word(rng)
        ink = readable(Canvas(rng, *size, Background(item.rgb, item.colour)), rng)
        xs, ys = zip(*item.points, strict=True)
        height = min(1.15 * (max(xs) - min(xs)) / (0.75 * len(text) + 0.9), 0.5 * (max(ys) - min(ys)))
        if ink is not None and item.style != "hollow" and height > max(12, 0.1 * board.span):
            board.texts.append(Text(text, ink[1], item.x, item.y, height, 0.0, ink[0]))
            return board.scene()


def blank(rng: Random, size: Size) -> Scene:
    """A canvas with nothing on it."""
    return canvas(rng, size).scene()
