"""The last step of every arrival: all files are what they should be, and the checkpoint gets its place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ..wholeness import check
from . import StoreError
from .manifest import File, Manifest, describe
from .shelf import Store


def finish(
    store: Store, folder: Path, name: str, revision: str, source: str, expected: Mapping[str, tuple[int, str | None]]
) -> Path:
    """Check the files, of which size and (where known) SHA-256 are given, and the checkpoint as a whole; then keep it.
    Returns its folder. A file that came wrong is deleted, so that the next try fetches it again. Raises StoreError or
    CheckpointError."""
    files = {path: examined(folder / path, *promised) for path, promised in expected.items()}
    remove_strangers(folder, set(files))
    check(folder)
    return store.keep(folder, Manifest(name=name, revision=revision, source=source, files=files))


def examined(path: Path, size: int, sha256: str | None) -> File:
    """The file as it is. Deletes it and raises StoreError when it is not what was promised."""
    found = describe(path)
    if found.size == size and sha256 in (None, found.sha256):
        return found
    path.unlink()
    what = f"{found.size} bytes instead of {size}" if found.size != size else "another SHA-256 than its source says"
    raise StoreError(f"{path.name} came with {what}. It was deleted; the same command fetches it again.")


def remove_strangers(folder: Path, known: set[str]) -> None:
    """Delete what clients and earlier tries left behind."""
    for path in folder.iterdir():
        if path.name in known:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
