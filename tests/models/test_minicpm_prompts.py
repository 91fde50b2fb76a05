"""MiniCPM prompts beyond the recorded ones: hostile texts, videos, and tokens that the model is not shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from sightd.engine.protocol import Sampling, Submission
from sightd.models.families import prompt_builder
from sightd.models.minicpm_v.frames import prepared
from sightd.models.minicpm_v.prompt import CONTROL
from sightd.models.prompt import Media, Span

from ..engine.requests import Question, conversation, engine, finish, question, submit
from ..pictures import noise

SIZE = (640, 480)
PLACEHOLDERS = [*CONTROL, "(<image>./</image>)", "<image>./</image>", "<image_id>0</image_id><image><unk></image>"]


@pytest.mark.parametrize("hostile", PLACEHOLDERS)
def test_user_text_is_never_control(minicpm: dict[str, Path], hostile: str) -> None:
    """Placeholders and control tokens that a user types are text: they take no picture and are no token of the
    template."""
    builder = prompt_builder(minicpm["minicpmv"])
    control = set(builder.tokenizer.special.values())

    def asked(text: str) -> list[int]:
        content = [{"type": "text", "text": text}, {"type": "image"}]
        prompt = builder.build([{"role": "user", "content": content}], [Media("image", 448, 448)])
        return [token for token in prompt.token_ids if token in control]

    assert asked(hostile) == asked("hello")
    assert hostile in builder.tokenizer.decode(builder.build([{"role": "user", "content": hostile}]).token_ids)


def test_every_picture_has_a_place(minicpm: dict[str, Path]) -> None:
    """More or fewer pictures than the messages name are refused."""
    builder = prompt_builder(minicpm["minicpmv"])
    messages = [{"role": "user", "content": [{"type": "image"}]}]
    for count in (0, 2):
        with pytest.raises(ValueError, match="every picture"):
            builder.build(messages, [Media("image", 448, 448)] * count)


def test_a_video_is_its_frames(minicpm: dict[str, Path]) -> None:
    """A video gets the prompt and the answer of its frames as pictures, sliced and without numbers."""
    folder = minicpm["minicpmv"]
    builder = prompt_builder(folder)
    plan = builder.picture_plan.sliced(2)
    frames = [noise(number, SIZE) for number in range(3)]
    text = {"type": "text", "text": "What happens?"}
    pictures = [{"role": "user", "content": [*({"type": "image"} for _ in frames), text]}]
    apart = conversation(builder, plan, pictures, *frames, use_image_id=False)
    seen = prepared(frames, frames[0].size, plan.numbers)
    assert seen.grid == (2, 1)
    video = Media("video", *seen.parts[0].shape[1:3], frames=len(frames), times=(0.0, 1.0, 2.0), grid=seen.grid)
    prompt = builder.build([{"role": "user", "content": [{"type": "video"}, text]}], [video])
    assert prompt.token_ids == apart.prompt.token_ids
    running = engine(folder)
    numbers = [submit(running, asked, Sampling(12)) for asked in (apart, Question(prompt, seen.parts, []))]
    answers = finish(running)
    assert answers[numbers[0]] == answers[numbers[1]]


def test_slices_of_a_request(minicpm: dict[str, Path]) -> None:
    """A request may have its own number of slices, but not fewer than one; other families have none."""
    plan = prompt_builder(minicpm["minicpmv"]).picture_plan
    assert plan.sliced(None) == plan
    assert plan.sliced(2).numbers["max_slice_nums"] == 2
    with pytest.raises(ValueError, match="at least 1"):
        plan.sliced(0)


def test_other_families_do_not_slice(tiny_checkpoints: dict[str, Path]) -> None:
    """Asking a family without slices for a number of them is refused."""
    with pytest.raises(ValueError, match="not sliced"):
        prompt_builder(tiny_checkpoints["qwen3_vl"]).picture_plan.sliced(2)


def test_a_token_is_taken_out() -> None:
    """A token that the model is not shown leaves the prompt with its pictures' places moved, but not from the end."""
    request = Submission(1, [0, 5, 0, 7, 7, 0, 8, 0], Sampling(1), [Span(0, 3, 2, 0, (1, 1, 2))])
    shown = request.without(0)
    assert shown.token_ids == [5, 7, 7, 8, 0]
    assert [span.first for span in shown.spans] == [1]


def test_exclamation_marks_are_not_seen(minicpm: dict[str, Path]) -> None:
    """MiniCPM-V answers as if "!" (token 0) were not in the prompt; MiniCPM-o sees it."""
    for kind, same in (("minicpmv", True), ("minicpmo", False)):
        running = engine(minicpm[kind])
        asked = [question(minicpm[kind], text, noise(1, (200, 200))) for text in ("Look at it", "Look! at! it!")]
        assert 0 in asked[1].prompt.token_ids
        numbers = [submit(running, one, Sampling(24)) for one in asked]
        answers = finish(running)
        assert (answers[numbers[0]] == answers[numbers[1]]) is same
