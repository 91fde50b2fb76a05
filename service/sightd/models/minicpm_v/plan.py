"""The torch-free side of a MiniCPM checkpoint: its prompt builder and how its pictures are prepared."""

from __future__ import annotations

from pathlib import Path

from jinja2 import TemplateError

from ..checkpoint import CheckpointError
from ..families import PicturePlan
from ..template import ChatTemplate, template_source
from ..tokenizer import Tokenizer
from .prompt import MiniCpmPrompts
from .settings import read_config, read_preprocessing


class MiniCpmPlan(MiniCpmPrompts):
    """Prompts and picture plan of one checkpoint."""

    picture_plan: PicturePlan


def prompt_builder(folder: Path) -> MiniCpmPlan:
    """Read the checkpoint's tokenizer, template and preprocessor files. Raises CheckpointError."""
    read_config(folder)
    numbers = read_preprocessing(folder)
    try:
        template = ChatTemplate(template_source(folder))
        builder = MiniCpmPlan(Tokenizer(folder), template, numbers.queries, numbers.use_image_id)
    except (FileNotFoundError, ValueError, TemplateError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    builder.picture_plan = PicturePlan(
        family="minicpm_v",
        numbers={
            "max_slice_nums": numbers.max_slice_nums,
            "scale_resolution": numbers.scale_resolution,
            "patch_size": numbers.patch,
        },
        sample=(numbers.scale_resolution, numbers.scale_resolution),
    )
    return builder
