"""The two kinds of media as sentences, codes and content types have them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What a medium is called in English and Chinese; `type` is the first half of its content types and stands in the
    codes of errors. `lighter` is how one that costs less is called."""

    english: str
    chinese: str
    type: str
    lighter: tuple[str, str]


PICTURE = Kind("picture", "图片", "image", ("smaller", "更小的图片"))
VIDEO = Kind("video", "视频", "video", ("shorter or smaller", "更短或更小的视频"))
