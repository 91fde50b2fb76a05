"""Files of the server that requests name: only below directories that the operator allowed, and only regular files."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..errors import BadRequest, SightdError, TooLarge

DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without waiting: opening a pipe would block until somebody writes to it."""


def open_local(path: str, allowed: Sequence[Path], max_bytes: int) -> int:
    """A descriptor, for reading, of the regular file at an absolute path. Whoever gets it closes it.

    Raises BadRequest, with one sentence whatever the reason, for a path that is not below one of the `allowed`
    directories, that leads through a symbolic link, or that is not a regular file; TooLarge for a file over
    `max_bytes`.
    """
    wanted = PurePosixPath(path)
    for folder in allowed:
        if ".." not in wanted.parts and wanted.is_relative_to(folder) and wanted != PurePosixPath(folder):
            return regular(opened(folder, wanted.relative_to(folder).parts), max_bytes)
    raise not_readable()


def opened(folder: Path, parts: Sequence[str]) -> int:
    """The file below the folder, each step from the directory before it, so that none can be exchanged for a link."""
    try:
        at = os.open(folder, DIRECTORY)
        try:
            for part in parts[:-1]:
                following = os.open(part, DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                os.close(at)
                at = following
            return os.open(parts[-1], FILE, dir_fd=at)
        finally:
            os.close(at)
    except (OSError, ValueError):
        # A name with a null byte or half a surrogate pair is a ValueError.
        raise not_readable() from None


def regular(descriptor: int, max_bytes: int) -> int:
    """The descriptor, if it is that of a regular file of at most `max_bytes`; it is closed otherwise."""
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= max_bytes:
        return descriptor
    os.close(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise not_readable()
    raise TooLarge(
        f"The file has {facts.st_size} bytes; at most {max_bytes} are allowed.",
        f"文件大小为 {facts.st_size} 字节，超过了 {max_bytes} 字节的限制。",
        code="file_too_large",
    )


def not_readable() -> SightdError:
    """The one error for whatever must not be read or is not there: a difference would tell what the server has."""
    return BadRequest(
        "The path does not name a file that this server may read. The operator allows directories with "
        "media.allowed_paths.",
        "该路径不是服务器允许读取的文件，可由管理员通过 media.allowed_paths 放行目录。",
        code="path_not_allowed",
    )
