"""The two kinds of media as sentences, codes and content types have them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What a medium is called in English and Chinese; `type` is the first half of its content types and stands in the
    codes of errors."""

    english: str
    chinese: str
    type: str


PICTURE = Kind("picture", "图片", "image")
VIDEO = Kind("video", "视频", "video")
