"""The manifest of a stored checkpoint: where it came from, and the size and SHA-256 of every file."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..checkpoint import first_line
from . import StoreError

MANIFEST = "sightd-manifest.json"


class File(BaseModel):
    """A file as it was when it came: bytes, and SHA-256 in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """What is known of a stored checkpoint. `source` is a hub's name, or the folder or archive it was taken from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    revision: str
    source: str
    added: datetime = Field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    files: dict[str, File]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def read(folder: Path) -> Manifest | None:
    """The folder's manifest, or None when it has none. Raises StoreError when it cannot be read."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{folder / MANIFEST} cannot be read: {error.strerror}.") from error
    return parse(content, str(folder / MANIFEST))


def parse(content: bytes, where: str) -> Manifest:
    """The manifest in these bytes. Raises StoreError."""
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise StoreError(f"{where} is not a manifest: {first_line(error)}.") from error


def describe(path: Path) -> File:
    """A file's size and checksum; reads all of it."""
    with path.open("rb") as file:
        return File(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def differences(folder: Path, manifest: Manifest) -> list[str]:
    """What is no longer as the manifest says, a sentence for each file; reads every file."""
    found = []
    for name, was in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            found.append(f"{path} is missing.")
        elif path.stat().st_size != was.size:
            found.append(f"{path} has {path.stat().st_size} bytes instead of {was.size}.")
        elif describe(path) != was:
            found.append(f"{path} has other contents than when it came: its SHA-256 differs.")
    strangers = sorted(path for path in folder.iterdir() if path.name not in {*manifest.files, MANIFEST})
    return found + [f"{path} was not there when it came." for path in strangers]
