"""Types that several sections share."""

from __future__ import annotations

import ipaddress
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


HOST_PATTERN = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def check_host_pattern(value: str) -> str:
    """A host's name, or *. and the name of a domain, in small letters. Raises ValueError for anything else."""
    small = value.lower().rstrip(".")
    if not HOST_PATTERN.fullmatch(small):
        raise ValueError("write the name of a host such as pictures.example.org, or *.example.org for all below a name")
    return small


def check_network(value: str) -> str:
    """A network or an address. Raises ValueError for anything else."""
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("write a network such as 10.1.0.0/16 or fd00::/8, or an address") from None


HostPatterns = Annotated[
    tuple[Annotated[str, AfterValidator(check_host_pattern)], ...], NoDecode, BeforeValidator(as_list)
]
Networks = Annotated[tuple[Annotated[str, AfterValidator(check_network)], ...], NoDecode, BeforeValidator(as_list)]
Address = Annotated[str, AfterValidator(check_address)]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(as_list)]
AbsolutePath = Annotated[Path, AfterValidator(check_directory_path)]
AbsolutePaths = Annotated[tuple[AbsolutePath, ...], NoDecode, BeforeValidator(as_list)]
