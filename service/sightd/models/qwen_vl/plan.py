"""The torch-free side of a Qwen-VL checkpoint: its prompt builder and how its pictures and videos are prepared."""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateError

from ..checkpoint import CheckpointError
from ..families import PicturePlan
from ..template import ChatTemplate, template_source
from ..tokenizer import Tokenizer
from ..videoplan import VideoPlan
from .preprocessing import read_preprocessing, read_video_numbers
from .prompt import VIDEO, QwenVlPrompts, read_layout


class QwenVlPlan(QwenVlPrompts):
    """Prompts, picture plan and video plan of one checkpoint."""

    picture_plan: PicturePlan
    video_plan: VideoPlan | None


def prompt_builder(folder: Path) -> QwenVlPlan:
    """Read the checkpoint's tokenizer, template and preprocessor files. Raises CheckpointError."""
    try:
        layout = read_layout(folder)
        builder = QwenVlPlan(Tokenizer(folder), ChatTemplate(template_source(folder)), layout)
    except (FileNotFoundError, ValueError, TemplateError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    numbers = read_preprocessing(folder, layout)
    side = 4 * numbers.factor
    builder.picture_plan = PicturePlan(
        family="qwen_vl",
        numbers={"factor": numbers.factor, "min_pixels": numbers.min_pixels, "max_pixels": numbers.max_pixels},
        sample=(side, side),
    )
    placed = VIDEO in builder.template.source
    builder.video_plan = VideoPlan("qwen_vl", read_video_numbers(folder, layout)) if placed else None
    return builder
