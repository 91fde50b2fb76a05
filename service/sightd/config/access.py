"""[auth] and [cors]: who may call, and from which pages."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from .fields import AbsolutePath, Section, Strings

ORIGIN = re.compile(r"https?://[\w.*-]+(:(\d{1,5}|\*))?")


class Auth(Section):
    """Who may call."""

    mode: Literal["keys", "none"] = Field(
        "keys",
        description="keys: callers show a key as soon as there is one, and must be on this machine before; "
        "none: everybody who reaches the port",
    )
    keys_file: AbsolutePath | None = Field(
        None, description="the keys; left out: the credential keys.json, else /etc/sightd/keys.json"
    )


class Cors(Section):
    """From which pages browsers may call."""

    origins: Strings = Field(
        (), description='origins of pages that may call, for example "http://intranet.example", with * for anything'
    )
    credentials: bool = Field(False, description="whether browsers may send cookies and client certificates along")

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write http://HOST or https://HOST:PORT without a path")
        return value

    @model_validator(mode="after")
    def _not_everybody_with_credentials(self) -> Cors:
        if self.credentials and "*" in self.origins:
            raise ValueError('origins = ["*"] and credentials = true cannot go together: list the origins')
        return self
