"""Checkpoints that transformers drives: greedy answers are `generate`'s own, and requests take turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from sightd.engine.protocol import Frames, Progress, Sampling, Submission
from sightd.engine.turns import TurnEngine
from sightd.media.lockedin import digest
from sightd.models.families import prompt_builder
from sightd.models.generic.frames import prepare
from sightd.models.generic.processor import Reader
from sightd.models.template import Message
from transformers import AutoModelForImageTextToText, AutoProcessor

from ..generic import MODELS
from ..pictures import noise
from .requests import engine, numbers

TOKENS = 16


def user(text: str, pictures: int = 0) -> Message:
    """A user's message: pictures, then the text."""
    return {"role": "user", "content": [*({"type": "image"} for _ in range(pictures)), {"type": "text", "text": text}]}


def asked(
    folder: Path, messages: list[Message], pictures: list[Image.Image], sampling: Sampling, **more: Any
) -> tuple[Submission, list[torch.Tensor]]:
    """The request for a conversation, with its frames."""
    prompt = prompt_builder(folder).build(messages)
    frames = [prepare(picture, {"most_pixels": 10**6}).parts[0] for picture in pictures]
    media = [Frames(digest(f), *f.shape[:3]) for f in frames]
    request = Submission(next(numbers), [], sampling, [], media, conversation=prompt.conversation, **more)
    return request, [torch.from_numpy(f.copy()) for f in frames]


def finish(running: TurnEngine, brought: list[Progress] | None = None) -> dict[int, list[int]]:
    """Step until nothing is left. Returns every request's tokens."""
    answers: dict[int, list[int]] = {}
    while not running.idle:
        for progress in running.step():
            answers.setdefault(progress.id, []).extend(progress.tokens)
            if brought is not None:
                brought.append(progress)
    return answers


def reference(folder: Path, text: str, picture: Image.Image | None) -> tuple[list[int], list[int]]:
    """The prompt's token ids and the greedy answer by transformers alone."""
    processor = AutoProcessor.from_pretrained(folder)
    part: list[Any] = [{"type": "image", "image": picture}] if picture is not None else []
    messages = [{"role": "user", "content": [*part, {"type": "text", "text": text}]}]
    inputs = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    return inputs["input_ids"][0].tolist(), generated(folder, inputs)


def generated(folder: Path, inputs: Any, **options: Any) -> list[int]:
    """Tokens of `generate`."""
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    out = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False, **options)
    answer: list[int] = out[0, inputs["input_ids"].shape[1] :].tolist()
    return answer


@pytest.mark.parametrize("kind", ["llava", "gemma3"])
def test_tokens_and_answers(kind: str, generic: dict[str, Path]) -> None:
    """Prompts and greedy answers are what transformers' processor and `generate` give, with a picture and without."""
    folder, running = generic[kind], engine(generic[kind])
    for text, picture in (("What is this?", noise(1, (200, 120))), ("图里有什么？", None)):
        pictures = [picture] if picture is not None else []
        reading, frames = asked(folder, [user(text, len(pictures))], pictures, Sampling(0))
        running.submit(reading, frames)
        ids = finish(running)[reading.id]
        request, frames = asked(folder, [user(text, len(pictures))], pictures, Sampling(TOKENS))
        running.submit(request, frames)
        assert (ids, finish(running)[request.id]) == reference(folder, text, picture)


@pytest.mark.parametrize("kind", MODELS)
def test_in_turns(kind: str, generic: dict[str, Path]) -> None:
    """Requests that are answered in turns get the tokens of `generate`, and so does one that goes on after a death with
    some of its tokens."""
    folder, running = generic[kind], engine(generic[kind])
    questions = [[user("What is this?", 1)], [user("Hello there")], [user("How many are there? " * 9, 2)]]
    expected = {}
    for number, messages in enumerate(questions):
        pictures = [noise(number + part, (180, 120)) for part in range(len(messages[0]["content"]) - 1)]
        whole, frames = asked(folder, messages, pictures, Sampling(TOKENS))
        answer = generated(folder, Reader(folder).read(whole.conversation, frames))
        rest, _ = asked(folder, messages, pictures, Sampling(TOKENS), produced=answer[:5])
        running.submit(whole, frames)
        running.submit(rest, frames)
        expected |= {whole.id: answer, rest.id: answer[5:]}
    assert finish(running) == expected


def test_parameters(generic: dict[str, Path]) -> None:
    """A repetition penalty is that of `generate`; a seed gives the same answer again, another seed another one; log
    probabilities and biases are honoured."""
    folder, running = generic["llava"], engine(generic["llava"])
    messages = [user("Hello there")]

    def answer(sampling: Sampling) -> list[int]:
        request, frames = asked(folder, messages, [], sampling)
        running.submit(request, frames)
        return finish(running)[request.id]

    inputs = Reader(folder).read(asked(folder, messages, [], Sampling(1))[0].conversation, [])
    assert answer(Sampling(TOKENS, repetition_penalty=1.5)) == generated(folder, inputs, repetition_penalty=1.5)
    drawn = [answer(Sampling(TOKENS, temperature=1.0, top_p=0.9, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(answer(Sampling(TOKENS, logit_bias=((100, 1000.0),)))) == {100}
    brought: list[Progress] = []
    request, frames = asked(folder, messages, [], Sampling(TOKENS, logprobs=2))
    running.submit(request, frames)
    finish(running, brought)
    assert all(p.logprobs and p.logprobs[0][1][0] == p.tokens[0] for p in brought)


@pytest.mark.parametrize("steps", [0, 1, 3, 9])
def test_abort(steps: int, generic: dict[str, Path]) -> None:
    """A request dropped while it waits, in its prompt or while it is answered leaves nothing, and its neighbours are
    answered as if it had never been."""
    folder, running = generic["qwen3_5"], engine(generic["qwen3_5"])
    kept, frames = asked(folder, [user("What is this?", 1)], [noise(1, (180, 120))], Sampling(TOKENS))
    running.submit(kept, frames)
    expected = finish(running)[kept.id]
    dropped, others = asked(folder, [user("And this?", 1)], [noise(2, (180, 120))], Sampling(400))
    running.submit(dropped, others)
    running.submit(kept, frames)
    answers: list[Progress] = []
    for _ in range(steps):
        answers += running.step()
    running.abort(dropped.id)
    finish(running, answers)
    assert [token for p in answers if p.id == kept.id for token in p.tokens] == expected
    assert running.counts().cache_used == 0


def test_what_cannot_be_read(generic: dict[str, Path]) -> None:
    """A conversation that the processor does not take is refused with its words, alone."""
    folder, running = generic["llava"], engine(generic["llava"])
    request, _ = asked(folder, [{"role": "assistant", "content": "Yes."}], [], Sampling(0))
    running.submit(request, [])
    brought: list[Progress] = []
    finish(running, brought)
    assert [(p.finish, p.refused) for p in brought] == [("unreadable", "It begins with an answer.")]


def test_a_failure_costs_one_request(generic: dict[str, Path]) -> None:
    """When the network raises on one request, that request fails and the next is answered."""
    folder, running = generic["llava"], engine(generic["llava"])
    request, frames = asked(folder, [user("What?", 1)], [noise(1, (50, 50))], Sampling(TOKENS))
    vision = running._network.module.model.vision_tower
    handle = vision.register_forward_pre_hook(raise_shape_error)
    running.submit(request, frames)
    brought: list[Progress] = []
    finish(running, brought)
    assert [p.finish for p in brought] == ["failed"]
    handle.remove()
    running.submit(request, frames)
    assert len(finish(running)[request.id]) == TOKENS


def raise_shape_error(*_: object) -> None:
    """What torch says when shapes do not fit."""
    raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x32 and 64x32)")
