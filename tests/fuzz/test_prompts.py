"""The prompt builders against conversations of any texts."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.models.families import PromptBuilder, prompt_builder
from sightd.models.prompt import Media

from .corpus import SPECIAL, TEXTS

TURNS = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.lists(st.one_of(st.none(), TEXTS), max_size=5)), max_size=4
)


def conversation(turns: list[tuple[str, list[str | None]]]) -> tuple[list[dict[str, Any]], list[Media]]:
    """Messages, in which None is a picture, and a medium for every picture."""
    parts = [[{"type": "image"} if t is None else {"type": "text", "text": t} for t in texts] for _, texts in turns]
    messages = [{"role": role, "content": content} for (role, _), content in zip(turns, parts, strict=True)]
    pictures = sum(part["type"] == "image" for content in parts for part in content)
    return messages, [Media("image", 64, 96)] * pictures


@pytest.fixture(scope="module")
def builder() -> PromptBuilder:
    """The embedded model's."""
    return prompt_builder(EMBEDDED_FOLDER)


@given(turns=TURNS)
def test_any_conversation(builder: PromptBuilder, turns: list[tuple[str, list[str | None]]]) -> None:
    """Every picture gets its placeholders and no text does; a prompt that cannot be built is refused."""
    messages, media = conversation(turns)
    try:
        prompt = builder.build(messages, media)
    except (ValueError, TemplateError):
        return
    assert [span.media for span in prompt.spans] == list(range(len(media)))
    placeholder = builder.tokenizer.id_of("<|image_pad|>")
    assert prompt.token_ids.count(placeholder) == sum(span.length for span in prompt.spans)
    starts = prompt.token_ids.count(builder.tokenizer.id_of("<|im_start|>"))
    assert starts <= len(messages) + 2


@given(text=TEXTS)
def test_any_text(builder: PromptBuilder, text: str) -> None:
    """A text has no control tokens and comes back as it was."""
    ids = builder.tokenizer.encode_plain(text)
    control = {builder.tokenizer.id_of(token) for token in SPECIAL}
    assert not control & set(ids)
    assert builder.tokenizer.decode(ids, skip_special=False) in (text, unicodedata.normalize("NFC", text))


def test_the_corpus_is_right() -> None:
    """The texts that fuzzing puts in are control tokens of the embedded model."""
    tokenizer = prompt_builder(Path(EMBEDDED_FOLDER)).tokenizer
    assert all(tokenizer.id_of(token) is not None for token in SPECIAL)
