"""The model families by name: which checkpoints belong to which, and where their code is. No torch here."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from .checkpoint import CheckpointError, first_line, read_json
from .generic.known import MODEL_TYPES
from .prompt import Media, Prompt
from .template import ChatTemplate, Message
from .tokenizer import Tokenizer
from .videoplan import VideoPlan

FAMILIES = {
    "qwen2_vl": "qwen_vl",
    "qwen2_5_vl": "qwen_vl",
    "qwen3_vl": "qwen_vl",
    "qwen3_vl_moe": "qwen_vl",
    "minicpmv": "minicpm_v",
    "minicpmo": "minicpm_v",
} | dict.fromkeys(MODEL_TYPES, "generic")
"""`model_type` of config.json to the package of the family."""

Batching = Literal["continuous", "turns"]
"""How the engine serves several requests at once: all of them in every step, or one after another token by token."""


@dataclass(frozen=True)
class PicturePlan:
    """How a decoder prepares pictures for a family: the family's name and numbers that its `frames` module knows.
    `sample` is a (height, width) that needs no resizing, for a first try of a fresh engine."""

    family: str
    numbers: dict[str, Any]
    sample: tuple[int, int]

    def bounded(self, least: int | None, most: int | None) -> PicturePlan:
        """The same with other bounds on the pixels of a picture: fewer than the model was trained on if the request
        wants them, never more than its most. Raises ValueError for others."""
        if least is None and most is None:
            return self
        if "min_pixels" not in self.numbers:
            raise ValueError("this model's pictures have no min_pixels and max_pixels")
        one_token, own = self.numbers["factor"] ** 2, self.numbers["max_pixels"]
        most = own if most is None else most
        if least is None:
            least = self.numbers["min_pixels"] if self.numbers["min_pixels"] <= most else one_token
        if not one_token <= least <= most <= own:
            raise ValueError(f"min_pixels and max_pixels must lie between {one_token} and {own} for this model")
        return replace(self, numbers=self.numbers | {"min_pixels": least, "max_pixels": most})

    @property
    def adjustable(self) -> bool:
        """Whether requests can say how pictures are prepared."""
        return self.slices or "min_pixels" in self.numbers

    @property
    def slices(self) -> bool:
        """Whether the family slices pictures."""
        return "max_slice_nums" in self.numbers

    def sliced(self, most: int | None, numbered: bool | None = None) -> PicturePlan:
        """The same with at most so many slices of a picture (1: only the whole is seen). `numbered` is only checked: it
        is the prompt's affair. Raises ValueError when the model does not slice, or for fewer than one."""
        if most is None and numbered is None:
            return self
        if not self.slices:
            raise ValueError("this model's pictures are not sliced: it has no max_slice_nums and no use_image_id")
        if most is not None and most < 1:
            raise ValueError("max_slice_nums must be at least 1")
        return self if most is None else replace(self, numbers=self.numbers | {"max_slice_nums": most})


class PromptBuilder(Protocol):
    """What a family's `plan` module makes for the HTTP front."""

    batching: Batching
    tokenizer: Tokenizer
    template: ChatTemplate
    picture_plan: PicturePlan
    video_plan: VideoPlan | None
    """None where the model's template has no place for videos."""

    def build(
        self,
        messages: Sequence[Message],
        media: Sequence[Media] = (),
        tools: Sequence[dict[str, Any]] | None = None,
        continued: str = "",
        **variables: Any,
    ) -> Prompt:
        """Token ids and placeholder spans of a conversation; `continued` is the last message's text when the answer is
        to go on with it. Raises ValueError or jinja2.TemplateError when the
        conversation does not fit the template."""


def family(folder: Path) -> str:
    """The family of a checkpoint folder. Raises CheckpointError for an architecture that is not known."""
    kind = read_json(folder / "config.json").get("model_type")
    if kind not in FAMILIES:
        raise CheckpointError(
            f"{folder / 'config.json'}: model type {kind!r} is not supported; supported are {', '.join(FAMILIES)}."
        )
    return FAMILIES[kind]


def prompt_builder(folder: Path) -> PromptBuilder:
    """The prompt builder of a checkpoint; imports no torch. Raises CheckpointError."""
    plan = importlib.import_module(f"{__package__}.{family(folder)}.plan")
    try:
        builder: PromptBuilder = plan.prompt_builder(folder)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The files' shapes are not looked at one by one: whatever does not fit ends here.
        raise CheckpointError(f"{folder}: a configuration file is not as it should be: {first_line(error)}.") from error
    return builder
