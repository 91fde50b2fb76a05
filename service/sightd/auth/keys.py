"""The keys file: names, hashes and rights. Keys themselves are shown once, when they are made, and never stored."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import secrets
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

PREFIX = "sk-sightd-"
CREDENTIAL = "keys.json"
DEFAULT_PATH = Path("/etc/sightd") / CREDENTIAL


class KeysError(Exception):
    """The keys file cannot be used; the message says why."""


class Key(BaseModel):
    """One key: the SHA-256 of its text in hexadecimal, and what it may do. None and an empty list do not restrict."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: Annotated[str, Field(pattern=r"^[\w.@-]{1,64}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created: AwareDatetime
    expires: AwareDatetime | None = None
    endpoints: Annotated[tuple[str, ...], Field(description="paths, with * for anything")] = ()
    concurrency: Annotated[int | None, Field(ge=1)] = None
    requests_per_minute: Annotated[int | None, Field(ge=1)] = None
    tokens_per_minute: Annotated[int | None, Field(ge=1)] = None
    priority: Annotated[int, Field(ge=-1000, le=1000, description="lower values go first")] = 0

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires

    def allows(self, path: str) -> bool:
        """Whether it may call an endpoint."""
        return not self.endpoints or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.endpoints)


class KeyFile(BaseModel):
    """All keys."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    keys: list[Key] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_once(self) -> KeyFile:
        names = [key.name for key in self.keys]
        if len(set(names)) < len(names):
            raise ValueError("two keys have the same name")
        return self


def digest(text: str) -> str:
    """The hash that is stored for a key. Keys have 256 random bits, so a fast hash is as good as a slow one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def make(name: str, **rights: object) -> tuple[str, Key]:
    """A new key's text and its entry. Raises ValidationError."""
    text = PREFIX + secrets.token_urlsafe(32)
    entry = {"name": name, "sha256": digest(text), "created": datetime.now(UTC).replace(microsecond=0), **rights}
    return text, Key.model_validate(entry)


def path_of(configured: Path | None) -> Path:
    """Where the keys are: the configured file, else systemd's credential, else the file in /etc/sightd."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if configured is not None:
        return configured
    if credentials and (Path(credentials) / CREDENTIAL).exists():
        return Path(credentials) / CREDENTIAL
    return DEFAULT_PATH


def load(path: Path) -> KeyFile:
    """The keys; none when there is no file. Raises KeysError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return KeyFile()
    except PermissionError as error:
        remedy = f"`chgrp sightd {path}; chmod g+r {path}` lets the service read it"
        raise KeysError(f"{path} cannot be read: {error.strerror}; {remedy}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read: {error}.") from error
    try:
        return KeyFile.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise KeysError(f"{path}: {place or 'the file'}: {first['msg']}.") from error


def save(path: Path, keys: KeyFile) -> None:
    """Replace the file whole; its mode and owner are kept. A new one is for its owner alone, or for a group, too, where
    the folder hands on its own (/etc/sightd does, to the service). Raises KeysError."""
    content = json.dumps(keys.model_dump(mode="json", exclude_defaults=True), indent=2, ensure_ascii=False) + "\n"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            if path.exists():
                before = path.stat()
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o777)
            elif path.parent.stat().st_mode & stat.S_ISGID:
                os.fchmod(file.fileno(), 0o640)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise KeysError(f"{path} cannot be written: {error.strerror}.") from error
