"""What has been computed is not computed again, and nobody learns what others asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from sightd.engine.blocks import BlockPool, chain
from sightd.engine.core import Engine
from sightd.engine.media import MediaStore
from sightd.engine.protocol import Sampling

from ..pictures import noise
from .requests import Question, engine, finish, question, submit


def ask(running: Engine, asked: Question, **more: object) -> tuple[list[int], int, int]:
    """The answer, how many prompt tokens came from the cache, and how many pictures were encoded for it."""
    hits, encoded = running.scheduler.pool.counts.hits, running.media.counts
    new = encoded.queries - encoded.hits
    number = submit(running, asked, Sampling(12), **more)
    answer = finish(running)[number]
    return answer, running.scheduler.pool.counts.hits - hits, encoded.queries - encoded.hits - new


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_a_second_question_about_a_picture(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """The same picture is not encoded again, the shared beginning is not computed again, and the answer is the same."""
    folder = tiny_checkpoints[family]
    picture = noise(1, (200, 160))
    fresh, warm = engine(folder), engine(folder)
    ask(warm, question(folder, "What is this?", picture))
    second = question(folder, "And what colour is it?", picture)
    answer, hits, encoded = ask(warm, second)
    assert answer == ask(fresh, second)[0]
    assert hits >= len(second.prompt.token_ids) // 2
    assert encoded == 0


def test_the_same_question_again(tiny_checkpoints: dict[str, Path]) -> None:
    """A repeated question computes one block at most."""
    folder = tiny_checkpoints["qwen3_vl"]
    asked = question(folder, "What is this, please tell me?", noise(1, (200, 160)))
    running = engine(folder)
    first = ask(running, asked)
    again = ask(running, asked)
    assert again[0] == first[0]
    assert again[1] >= len(asked.prompt.token_ids) - 16


def test_a_second_turn_computes_only_what_is_new(tiny_checkpoints: dict[str, Path]) -> None:
    """A prompt that goes on where an answer ended finds that answer in the cache too."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    first = question(folder, "Hello there, tell me something about this picture", noise(1, (160, 160)))
    number = submit(running, first, Sampling(40))
    answer = finish(running)[number]
    tokens = [*first.prompt.token_ids, *answer, 5, 6, 7]
    second = dataclasses.replace(first, prompt=dataclasses.replace(first.prompt, token_ids=tokens))
    continued, hits, encoded = ask(running, second)
    assert continued == ask(engine(folder), second)[0]
    assert hits >= len(tokens) - 3 - 16
    assert encoded == 0


def test_another_picture_of_the_same_size(tiny_checkpoints: dict[str, Path]) -> None:
    """Equal tokens with another picture behind them share nothing from the picture on."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    one, other = (question(folder, "What is this?", noise(seed, (200, 160))) for seed in (1, 2))
    assert one.prompt.token_ids == other.prompt.token_ids
    ask(running, one)
    answer, hits, encoded = ask(running, other)
    assert answer == ask(engine(folder), other)[0]
    assert hits < 16
    assert encoded == 1


def test_salts_keep_callers_apart(tiny_checkpoints: dict[str, Path]) -> None:
    """Another caller's salt finds neither blocks nor features; the same salt does."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    asked = question(folder, "What is this, please tell me?", noise(1, (200, 160)))
    ask(running, asked, salt=b"one")
    assert ask(running, asked, salt=b"two")[1:] == (0, 1)
    _, hits, encoded = ask(running, asked, salt=b"one")
    assert hits > 16
    assert encoded == 0


def test_questions_at_the_same_time_share(tiny_checkpoints: dict[str, Path]) -> None:
    """Eight questions about one picture that arrive together encode it once and compute its tokens once."""
    folder = tiny_checkpoints["qwen3_vl"]
    picture = noise(3, (300, 200))
    questions = [question(folder, f"Question number {i}", picture) for i in range(8)]
    alone = engine(folder)
    expected = [ask(alone, asked)[0] for asked in questions]
    together = engine(folder)
    numbers = [submit(together, asked, Sampling(12)) for asked in questions]
    answers = finish(together)
    assert [answers[n] for n in numbers] == expected
    assert together.media.counts.queries - together.media.counts.hits == 1
    shared = len(questions[0].prompt.token_ids) // 16 * 16 - 32
    assert together.scheduler.pool.counts.hits >= 7 * shared


def test_blocks_are_reused_when_room_is_needed() -> None:
    """Unused blocks stay findable until the pool needs them, the longest unused first; a sequence's end goes first."""
    pool = BlockPool(4, 16)
    names = [chain(b"", [i], []) for i in range(4)]
    first = pool.take(2)
    for block, name in zip(first, names[:2], strict=True):
        pool.publish(block, name)
    pool.give_back(first)
    assert pool.free == 4
    assert pool.find(names[:2]) == first
    other = pool.take(3)
    assert pool.find(names[:2]) == first[:1]
    assert first[1] in other
    with pytest.raises(IndexError, match="no free block"):
        pool.take(2)
    assert pool.free == 1


def test_blocks_are_neighbours_while_there_are_any() -> None:
    """After much coming and going, blocks are still handed out in one piece where there is one, also those that go on
    where others end; without one, any are."""
    pool = BlockPool(64, 16)
    held = [pool.take(4) for _ in range(16)]
    names = iter(range(1000))
    for blocks in held[::2]:
        for block in blocks[:3]:
            pool.publish(block, chain(b"", [next(names)], []))
        pool.give_back(blocks)
    pool.give_back(held[5])
    long = pool.take(12)
    assert long == list(range(long[0], long[0] + 12))
    four = pool.take(4)
    assert four == list(range(four[0], four[0] + 4))
    pool.give_back(long[-2:])
    assert pool.take(2, after=long[-3]) == long[-2:]
    assert len(set(pool.take(9))) == 9


def test_shared_blocks_belong_to_every_user() -> None:
    """A block goes back only when its last user gives it back."""
    pool = BlockPool(2, 16)
    (block,) = pool.take(1)
    pool.publish(block, b"x")
    pool.share([block])
    pool.give_back([block])
    assert pool.used == 1
    pool.give_back([block])
    assert pool.used == 0


@pytest.mark.parametrize(("limit", "tokens"), [(1000, 100), (10**6, 29)], ids=["bytes", "tokens"])
def test_features_are_kept_within_their_limit(limit: int, tokens: int) -> None:
    """Features of released media are kept up to the limits, the latest ones, as they were; media in use are not
    dropped."""
    store = MediaStore(limit, tokens)
    frames = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    in_use = store.get((b"", b"in use"), frames, 10)
    in_use.add(torch.ones(10, 10), 1)
    for number in range(10):
        medium = store.get((b"", bytes([number])), frames, 10)
        medium.add(torch.full((10, 10), float(number)), 1)
        store.release(medium)
    for number in (8, 9):
        kept = store.get((b"", bytes([number])), frames, 10)
        assert kept.complete
        assert torch.equal(kept.features, torch.full((10, 10), float(number)))
    assert not store.get((b"", bytes([7])), frames, 10).complete
    assert store.get((b"", b"in use"), frames, 10) is in_use
    assert store.counts.hits == 3


def test_features_that_are_too_many_are_not_kept() -> None:
    """A medium with more features than there is room for drops no other one's."""
    store = MediaStore(1000, 100)
    frames = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    for name, count in ((b"small", 10), (b"large", 30)):
        medium = store.get((b"", name), frames, count)
        medium.add(torch.zeros(count, 10), 1)
        store.release(medium)
    assert store.get((b"", b"small"), frames, 10).complete
    assert not store.get((b"", b"large"), frames, 30).complete


def test_the_engine_works_without_an_encoder_cache(tiny_checkpoints: dict[str, Path]) -> None:
    """With no room for features, pictures are encoded again and answers are the same."""
    folder = tiny_checkpoints["qwen2_vl"]
    running = engine(folder, encoder_cache_bytes=0)
    asked = question(folder, "What is this?", noise(1, (120, 120)))
    first, again = ask(running, asked, salt=b"a"), ask(running, asked, salt=b"b")
    assert first[0] == again[0]
    assert again[2] == 1
