"""[auth] and [cors]: who may call, and from which pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .fields import Section, Strings


class Auth(Section):
    """Who may call."""

    mode: Literal["none"] = Field("none", description="none: everybody who reaches the port")


class Cors(Section):
    """From which pages browsers may call."""

    origins: Strings = Field((), description="origins of pages that may call, for example http://intranet.example")
