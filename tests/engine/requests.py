"""Requests to an engine in the test's own process, and the same requests to transformers' `generate`."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sightd.engine import process
from sightd.engine.core import Engine
from sightd.engine.protocol import Frames, Sampling, Submission
from sightd.media.lockedin import digest
from sightd.models.families import PicturePlan, PromptBuilder, prompt_builder
from sightd.models.prompt import Media, Prompt
from sightd.models.template import Message
from transformers import AutoModelForImageTextToText
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

numbers = itertools.count(1)


@dataclass
class Question:
    """A prompt with the frames of its pictures and the pictures themselves."""

    prompt: Prompt
    frames: list[np.ndarray]
    pictures: list[Image.Image]


def question(folder: Path, text: str, *pictures: Image.Image) -> Question:
    """A user's message: the pictures, then the text."""
    builder = prompt_builder(folder)
    content = [*({"type": "image"} for _ in pictures), {"type": "text", "text": text}]
    return conversation(builder, builder.picture_plan, [{"role": "user", "content": content}], *pictures)


def conversation(
    builder: PromptBuilder, plan: PicturePlan, messages: list[Message], *pictures: Image.Image, **variables: Any
) -> Question:
    """Messages with pictures."""
    frames = importlib.import_module(f"sightd.models.{plan.family}.frames")
    prepared = [frames.prepare(picture, plan.numbers) for picture in pictures]
    media = [Media("image", *p.parts[0].shape[1:3], grid=p.grid) for p in prepared]
    prompt = builder.build(messages, media, **variables)
    return Question(prompt, [part for p in prepared for part in p.parts], list(pictures))


def engine(folder: Path, **changes: Any) -> Engine:
    """An engine on the CPU in this process."""
    start = {
        "folder": str(folder),
        "device": "cpu",
        "threads": 0,
        "dtype": "auto",
        "quantization": "none",
        "memory_utilization": 0.5,
        "cache_tokens": 8192,
        "max_model_len": 2048,
        "max_sequences": 16,
        "max_batch_tokens": 0,
        "encoder_cache_bytes": 10**7,
        "cuda_graphs": True,
    }
    return process.build(start | changes)[0]


def submission(asked: Question, sampling: Sampling, **more: Any) -> Submission:
    """The request that asks a question."""
    media = [Frames(digest(f), *f.shape[:3]) for f in asked.frames]
    return Submission(next(numbers), asked.prompt.token_ids, sampling, asked.prompt.spans, media, **more)


def submit(running: Engine, asked: Question, sampling: Sampling, **more: Any) -> int:
    """Queue a question. Returns the request's number."""
    request = submission(asked, sampling, **more)
    running.submit(request, [torch.from_numpy(f.copy()) for f in asked.frames])
    return request.id


def finish(running: Engine, answers: dict[int, list[int]] | None = None) -> dict[int, list[int]]:
    """Step until nothing is left. Returns every request's tokens."""
    answers = {} if answers is None else answers
    while not running.idle:
        step(running, answers)
    return answers


def step(running: Engine, answers: dict[int, list[int]]) -> None:
    """One step, its tokens added to the answers."""
    for progress in running.step():
        answers.setdefault(progress.id, []).extend(progress.tokens)


class Reference:
    """transformers' own model and processor."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        self.processor = Qwen2VLImageProcessorPil.from_pretrained(folder)

    def answer(self, asked: Question, tokens: int, **options: Any) -> list[int]:
        """Greedy tokens of `generate` with these options."""
        ids = torch.tensor([asked.prompt.token_ids])
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if asked.pictures:
            inputs |= self.processor(asked.pictures, return_tensors="pt")
            inputs["mm_token_type_ids"] = (ids == self.model.config.image_token_id).long()
        out = self.model.generate(**inputs, max_new_tokens=tokens, do_sample=False, **options)
        answer: list[int] = out[0, ids.shape[1] :].tolist()
        return answer
