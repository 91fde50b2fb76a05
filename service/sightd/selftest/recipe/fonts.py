"""The typefaces that printed numbers and words are drawn with: those of a few font packages, pinned in the train extra."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from random import Random

from PIL import ImageFont

PACKAGES = (
    "matplotlib",
    "font_roboto",
    "font_lato",
    "font_source_sans_pro",
    "font_source_serif_pro",
    "font_hanken_grotesk",
    "font_manrope",
    "font_caladea",
    "font_fredoka_one",
)
"""DejaVu, STIX and Computer Modern come with matplotlib."""

UNSUITABLE = re.compile(
    r"STIXSiz|STIXNon|cmex|cmsy|cmmi|LastResort|Display|Light|Thin|Hairline|Ital?|It$|Oblique|Mono|Variable|^cm"
)
"""Symbol faces, slanted ones, and strokes too thin to survive a resize."""


@cache
def font_files() -> tuple[Path, ...]:
    """Every usable font file of the packages, in a fixed order. Raises RuntimeError when none is installed."""
    files: dict[str, Path] = {}
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for path in sorted(Path(spec.origin).parent.rglob("*.[to]tf")):
            if not UNSUITABLE.search(path.name):
                files.setdefault(path.stem, path)
    if not files:
        raise RuntimeError("No fonts found: install the train extra (make demo-model does).")
    return tuple(files.values())


@cache
def load(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    """The font at `size` pixels per em; None is Pillow's own default font."""
    if path is None:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    return ImageFont.truetype(str(path), size)


def pick(rng: Random) -> Path | None:
    """One font file, or None for Pillow's own; faces that most pictures are printed in more often than the rest."""
    files = font_files()
    chance = rng.random()
    if chance < 0.12:
        return None
    if chance < 0.45:
        common = [path for path in files if re.match(r"(DejaVuSans|Roboto|Lato)(-|$)", path.stem)]
        return rng.choice(common or list(files))
    return rng.choice(files)
