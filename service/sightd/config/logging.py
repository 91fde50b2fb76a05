"""[logging]: how much is logged, and in which form."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .fields import Section


class Logging(Section):
    """How much is logged, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severity that is logged")
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: journal fields under systemd, text on a terminal, else JSON"
    )
    prompts: bool = Field(False, description="log prompts and answers; they are personal data more often than not")
