"""Recorded answers of the original MiniCPM code, in a folder beside the repository or where SIGHTD_PARITY says."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sightd.engine.protocol import Sampling
from sightd.models.families import PicturePlan, PromptBuilder, prompt_builder

from .engine.requests import Question, conversation

ROOT = Path(os.environ.get("SIGHTD_PARITY") or Path(__file__).parents[2] / "shared" / "parity")


@dataclass(frozen=True)
class Case:
    """A recorded request and what came of it."""

    path: Path

    def __str__(self) -> str:
        return f"{self.checkpoint.parent.name}/{self.path.stem}"

    @property
    def checkpoint(self) -> Path:
        """The folder of the checkpoint that was asked."""
        return self.path.parents[2] / "checkpoint"

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole file."""
        content: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return content

    @cached_property
    def expected(self) -> dict[str, Any]:
        """What the original gave in float32."""
        return self.content["expected"] | self.content.get("expected_fp32_dequantised", {})

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the original's chat()."""
        options: dict[str, Any] = self.content["request"]["chat_kwargs"]
        return options

    @property
    def beams(self) -> int:
        """How many beams the original searched with; three is its default."""
        return int(self.options.get("num_beams", 3))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, the system prompt in it."""
        system = self.options.get("system_prompt")
        first = [{"role": "system", "content": system}] if system else []
        return first + self.content["request"]["msgs"]

    @property
    def pictures(self) -> list[Image.Image]:
        """The pictures as they are stored, of any mode."""
        return [Image.open(self.path.parent / picture["file"]) for picture in self.expected["images"]]

    @property
    def builder(self) -> PromptBuilder:
        """The checkpoint's prompt builder."""
        return prompt_builder(self.checkpoint)

    def plan(self, builder: PromptBuilder) -> PicturePlan:
        """How the request wants its pictures."""
        return builder.picture_plan.sliced(self.options.get("max_slice_nums"))

    def question(self) -> Question:
        """The request as the engine takes it."""
        builder = self.builder
        separator = "" if self.options.get("omni_input") else "\n"
        variables = {"use_image_id": self.options.get("use_image_id"), "separator": separator}
        return conversation(builder, self.plan(builder), self.messages, *self.pictures, **variables)

    @property
    def sampling(self) -> Sampling:
        """How the answer's tokens were chosen."""
        most = self.options["max_new_tokens"]
        return Sampling(most, repetition_penalty=self.options.get("repetition_penalty", 1.2))


def recorded(kind: str) -> list[Case]:
    """The recorded cases of a checkpoint."""
    return [Case(path) for path in sorted(ROOT.glob(f"{kind}/cases/*/*.json"))]


def cases(*kinds: str) -> list[Any]:
    """The recorded cases of these checkpoints, or one that is skipped when there are none here."""
    found = [pytest.param(case, id=str(case)) for kind in kinds for case in recorded(kind)]
    absent = pytest.mark.skip(reason=f"no recorded answers of the original in {ROOT}")
    return found or [pytest.param(None, id="absent", marks=absent)]


def sha256(array: np.ndarray) -> str:
    """The digest of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
