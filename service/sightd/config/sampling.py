"""[sampling]: how answers are chosen when a request does not say."""

from __future__ import annotations

from pydantic import Field

from .fields import Section


class Sampling(Section):
    """How answers are chosen when a request does not say; what is left out is as the checkpoint's
    generation_config.json has it."""

    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False, description="0 is greedy")
    top_p: float | None = Field(
        None, gt=0, le=1, allow_inf_nan=False, description="only the likeliest tokens that have this share together"
    )
    top_k: int | None = Field(None, ge=0, le=1_000_000, description="only so many of the likeliest tokens; 0: all")
    min_p: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="only tokens with this share of the likeliest's probability"
    )
    repetition_penalty: float | None = Field(
        None, gt=0, le=10, allow_inf_nan=False, description="above 1, tokens that were there come less; 1: none"
    )
    frequency_penalty: float | None = Field(
        None, ge=-2, le=2, allow_inf_nan=False, description="as in OpenAI's API; no file of a checkpoint has it"
    )
    presence_penalty: float | None = Field(
        None, ge=-2, le=2, allow_inf_nan=False, description="as in OpenAI's API; no file of a checkpoint has it"
    )
