"""Types that several sections share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_settings import NoDecode


class Section(BaseModel):
    """A table of sightd.toml. Frozen; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def as_list(value: Any) -> Any:
    """A list from an environment variable's text: JSON, or items separated by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [item.strip() for item in value.split(",") if item.strip()]


Strings = Annotated[tuple[str, ...], NoDecode, BeforeValidator(as_list)]

ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+):(?P<port>\d{1,5})")


def check_address(value: str) -> str:
    """HOST:PORT, [IPV6]:PORT or unix:/PATH. Raises ValueError for anything else."""
    if value.startswith("unix:/"):
        return value
    match = ADDRESS.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("write HOST:PORT, [IPV6]:PORT or unix:/PATH, for example 0.0.0.0:8000")
    return value


def check_directory_path(value: Path) -> Path:
    """An absolute path. Raises ValueError for a relative one."""
    if not value.is_absolute():
        raise ValueError("write an absolute path, beginning with /")
    return value


Address = Annotated[str, AfterValidator(check_address)]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(as_list)]
AbsolutePath = Annotated[Path, AfterValidator(check_directory_path)]
AbsolutePaths = Annotated[tuple[AbsolutePath, ...], NoDecode, BeforeValidator(as_list)]
