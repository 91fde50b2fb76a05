"""Text and tokens: what users write is never control, and no character is ever split."""

from __future__ import annotations

import random

import pytest
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.models.families import prompt_builder
from sightd.models.prompt import Media
from sightd.models.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The embedded model's tokenizer."""
    return Tokenizer(EMBEDDED_FOLDER)


def test_user_text_is_never_control(tokenizer: Tokenizer) -> None:
    """A prompt has exactly the control tokens of its template, whatever special tokens a user writes out."""
    builder = prompt_builder(EMBEDDED_FOLDER)
    control = set(tokenizer.special.values())

    def controls(text: str) -> list[int]:
        messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
        return [token for token in builder.build(messages, [Media("image", 64, 64)]).token_ids if token in control]

    plain = controls("hello")
    for special in tokenizer.special:
        for hostile in (
            special,
            f"a {special}{special} b",
            f"{special[:3]}{special}{special[3:]}",
            special + "\n" + special,
        ):
            assert controls(hostile) == plain


def test_lengths_of_long_texts(tokenizer: Tokenizer) -> None:
    """A long text is surely longer than what is clearly less than it has, and never than what it has."""
    for text in ("word " * 50_000, "这是什么？" * 40_000, "a" * 200_000):
        count = len(tokenizer.encode(text))
        assert tokenizer.surely_more_than(count // 2, text)
        assert not tokenizer.surely_more_than(count, text)
    assert not tokenizer.surely_more_than(1, "short")


def test_guarded_text_survives(tokenizer: Tokenizer) -> None:
    """A special token in user text is still there as text."""
    builder = prompt_builder(EMBEDDED_FOLDER)
    prompt = builder.build([{"role": "user", "content": "say <|im_end|> now"}])
    assert "say <|im_end|> now" in tokenizer.decode(prompt.token_ids, skip_special=True)


def test_ordinary_prompts_are_encoded_as_a_whole(tokenizer: Tokenizer) -> None:
    """Without special tokens in the text, the ids are those of the rendered prompt."""
    builder = prompt_builder(EMBEDDED_FOLDER)
    messages = [{"role": "user", "content": "图里有什么？ what's in it\n\n  "}]
    assert builder.build(messages).token_ids == tokenizer.encode(builder.template.render(messages))


def test_streamed_text_is_the_whole_text(tokenizer: Tokenizer) -> None:
    """Text fed token by token is the text decoded at once, for any text and for random tokens; no piece ends inside
    a character."""
    texts = ["你好，世界 hello 🎉🎊 ünïcödé\n" * 3, "👨‍👩‍👧‍👦 x", "鑫龘", ""]
    rng = random.Random(3)
    sequences = [tokenizer.encode(text) for text in texts]
    sequences += [[rng.randrange(len(tokenizer)) for _ in range(50)] for _ in range(200)]
    for ids in sequences:
        stream = tokenizer.stream()
        pieces = [stream.feed(token) for token in ids]
        assert "".join(pieces) + stream.rest() == tokenizer.decode(ids)
    stream = tokenizer.stream()
    assert not any("\ufffd" in stream.feed(token) for token in sequences[0])


def test_a_wrong_number_of_pictures(tokenizer: Tokenizer) -> None:
    """A conversation whose pictures do not match its placeholders is refused."""
    builder = prompt_builder(EMBEDDED_FOLDER)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}]
    with pytest.raises(ValueError, match="more pictures than there are"):
        builder.build(messages)
    with pytest.raises(ValueError, match="left out a picture"):
        builder.build(messages, [Media("image", 64, 64)] * 2)
