"""The torch-free side of a MiniCPM checkpoint: its prompt builder and how its pictures and videos are prepared."""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateError

from ..checkpoint import CheckpointError
from ..families import PicturePlan
from ..template import ChatTemplate, template_source
from ..tokenizer import Tokenizer
from ..videoplan import VideoPlan
from .prompt import MiniCpmPrompts
from .settings import read_config, read_preprocessing

VIDEO_SLICES = 2
VIDEO = {"fps": 1.0, "min_frames": 1, "max_frames": 64}
"""What the original's own example of a video does; its files say nothing about videos."""


class MiniCpmPlan(MiniCpmPrompts):
    """Prompts, picture plan and video plan of one checkpoint."""

    picture_plan: PicturePlan
    video_plan: VideoPlan | None


def prompt_builder(folder: Path) -> MiniCpmPlan:
    """Read the checkpoint's tokenizer, template and preprocessor files. Raises CheckpointError."""
    read_config(folder)
    numbers = read_preprocessing(folder)
    try:
        template = ChatTemplate(template_source(folder))
        builder = MiniCpmPlan(Tokenizer(folder), template, numbers.queries, numbers.use_image_id)
    except (FileNotFoundError, ValueError, TemplateError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    slicing = {"scale_resolution": numbers.scale_resolution, "patch_size": numbers.patch}
    builder.picture_plan = PicturePlan(
        family="minicpm_v",
        numbers=slicing | {"max_slice_nums": numbers.max_slice_nums},
        sample=(numbers.scale_resolution, numbers.scale_resolution),
    )
    most = min(numbers.max_slice_nums, VIDEO_SLICES)
    builder.video_plan = VideoPlan("minicpm_v", slicing | VIDEO | {"max_slice_nums": most})
    return builder
