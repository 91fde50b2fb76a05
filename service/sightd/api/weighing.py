"""How heavy a request is, before anything of it is decoded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from ..config.limits import Limits
from .conversation import Conversation, Wishes

CHARACTERS = 3
"""Characters of text to a token, as a rule of thumb for English and Chinese together."""
PICTURE_TOKENS = 1000
VIDEO_TOKENS = 8000


def places(conversation: Conversation, wishes: Wishes, limits: Limits) -> int:
    """The places that a request takes: one for every `limits.place_tokens` tokens that its prompt and its answers are
    estimated to have."""
    media = PICTURE_TOKENS * len(conversation.pictures) + VIDEO_TOKENS * len(conversation.videos)
    answers = wishes.n * min(wishes.max_tokens or limits.default_max_tokens, limits.max_tokens)
    return max(1, math.ceil((characters(conversation) / CHARACTERS + media + answers) / limits.place_tokens))


def characters(conversation: Conversation) -> int:
    """Characters of all texts of a conversation."""
    return sum(map(len, texts([conversation.messages, conversation.tools])))


def texts(value: Any) -> Iterator[str]:
    """All texts in messages or tools. What templates write as JSON counts with its names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            as_json = name in ("parameters", "arguments")
            yield from texts(json.dumps(part, ensure_ascii=False, separators=(",", ":")) if as_json else part)
