"""Greedy answers about videos are transformers' own for the same pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sightd.engine.protocol import Sampling
from sightd.models.families import prompt_builder
from sightd.models.frames import Clip
from sightd.models.prompt import Media
from sightd.models.qwen_vl import frames as family_frames
from sightd.models.qwen_vl.pixels import patch_rows
from sightd.models.qwen_vl.preprocessing import read_preprocessing
from sightd.models.qwen_vl.prompt import read_layout

from ..checkpoints import FAMILIES
from ..pictures import noise
from .requests import Question, Reference, engine, finish, step, submit

TOKENS = 20
TEXT = {"type": "text", "text": "What happens?"}


@dataclass
class Film:
    """A video as the engine takes it, and as transformers does."""

    frames: np.ndarray
    media: Media

    @classmethod
    def of(cls, folder: Path, pictures: list[Image.Image], rate: float = 3.0) -> Film:
        """A video of these frames, all of which are sampled."""
        clip = Clip(len(pictures), rate, *pictures[0].size)
        plan = prompt_builder(folder).video_plan
        assert plan is not None
        numbers = plan.within(1000, 1 << 30).numbers
        (frames,) = family_frames.prepare_video(pictures, len(pictures), clip, numbers).parts
        times = tuple(number / rate for number in range(len(pictures)))
        return cls(frames, Media("video", *frames.shape[1:3], len(frames), times, 1 / rate))


def asked(folder: Path, film: Film, picture: Image.Image | None = None) -> Question:
    """A question about a video, after one about a picture if there is one."""
    builder = prompt_builder(folder)
    content: list[dict[str, Any]] = [{"type": "video"}, TEXT]
    media, frames = [film.media], [film.frames]
    if picture is not None:
        (seen,) = family_frames.prepare(picture, builder.picture_plan.numbers).parts
        content.insert(0, {"type": "image"})
        media.insert(0, Media("image", *seen.shape[1:3]))
        frames.insert(0, seen)
    prompt = builder.build([{"role": "user", "content": content}], media)
    return Question(prompt, frames, [] if picture is None else [picture])


def expected(folder: Path, reference: Reference, question: Question, film: Film) -> list[int]:
    """What `generate` answers."""
    layout = read_layout(folder)
    numbers = read_preprocessing(folder, layout)
    rows = patch_rows(
        torch.from_numpy(film.frames.copy()), layout, torch.tensor(numbers.mean), torch.tensor(numbers.std)
    )
    config = reference.model.config
    ids = torch.tensor([question.prompt.token_ids])
    inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if question.pictures:
        inputs |= reference.processor(question.pictures, return_tensors="pt")
    inputs["pixel_values_videos"] = rows
    inputs["video_grid_thw"] = torch.tensor([layout.grid(film.media)])
    inputs["mm_token_type_ids"] = (ids == config.image_token_id).long() + 2 * (ids == config.video_token_id).long()
    if layout.tokens_per_second:
        inputs["second_per_grid_ts"] = torch.tensor([layout.temporal * film.media.period])
    out = reference.model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
    answer: list[int] = out[0, ids.shape[1] :].tolist()
    return answer


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Videos of even and odd numbers of frames, one with a picture before it, and the same frames at another pace get
    the tokens that `generate` gives, one after the other and with prompts computed in small chunks."""
    folder = tiny_checkpoints[family]
    reference = Reference(folder)
    even = [noise(number, (120, 90)) for number in range(6)]
    films = [
        (Film.of(folder, even), None),
        (Film.of(folder, even, rate=0.7), None),
        (Film.of(folder, [noise(number, (70, 160)) for number in range(5)]), None),
        (Film.of(folder, even[:2]), noise(9, (150, 100))),
        (Film.of(folder, even[:1]), None),
    ]
    for chunk in (0, 48):
        running = engine(folder, max_batch_tokens=chunk)
        for film, picture in films:
            question = asked(folder, film, picture)
            number = submit(running, question, Sampling(TOKENS))
            assert finish(running)[number] == expected(folder, reference, question, film)


def test_a_long_video_beside_short_questions(tiny_checkpoints: dict[str, Path]) -> None:
    """While a video of 64 frames is encoded in many pieces, an answer that is under way gets its tokens."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder)
    running.encoder._most_pixels = 5_000
    passes: list[int] = []
    running.encoder.on_pass = lambda media: passes.append(len(media))
    answers: dict[int, list[int]] = {}
    builder = prompt_builder(folder)
    short = submit(running, Question(builder.build([{"role": "user", "content": [TEXT]}]), [], []), Sampling(200))
    step(running, answers)
    work = running.encoder.work
    running.encoder.work = lambda _: work(0.0)  # type: ignore[method-assign]
    film = Film.of(folder, [noise(number, (96, 64)) for number in range(64)])
    long = submit(running, asked(folder, film), Sampling(4))
    while long not in answers and len(answers[short]) < 200:
        step(running, answers)
    assert len([count for count in passes if count]) >= 10
    assert len(answers[short]) >= 20
    assert len(finish(running, answers)[long]) == 4
