"""The folders of the store: what is there, what is arriving, what goes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from . import StoreError, manifest
from .manifest import MANIFEST, Manifest
from .policy import check_name, check_revision

INCOMING = ".incoming"
SPARE_BYTES = 256 * 2**20
"""What must stay free on the disk beside a checkpoint: hubs' clients keep pieces of large files twice for a while."""


@dataclass(frozen=True)
class Entry:
    """A checkpoint of the store."""

    folder: Path
    manifest: Manifest


class Store:
    """Checkpoints below one folder, which is made when the first arrives."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entries(self) -> list[Entry]:
        """All whole checkpoints, by name. Raises StoreError for a manifest that cannot be read."""
        folders = [path.parent for deep in ("*/*", "*/*/*") for path in self.root.glob(f"{deep}/{MANIFEST}")]
        shown = (folder for folder in folders if INCOMING not in folder.relative_to(self.root).parts)
        found = [Entry(folder, read) for folder in shown if (read := manifest.read(folder))]
        return sorted(found, key=lambda entry: (entry.manifest.name.lower(), entry.manifest.revision))

    def find(self, name: str, revision: str | None = None) -> Entry:
        """The one checkpoint of this name, with or without its owner, in any case. Raises StoreError when there is
        none, or several."""
        wanted = name.casefold()
        found = [
            entry
            for entry in self.entries()
            if wanted in (entry.manifest.name.casefold(), entry.manifest.name.casefold().rpartition("/")[2])
            and revision in (None, entry.manifest.revision)
        ]
        if len(found) == 1:
            return found[0]
        names = ", ".join(f"{e.manifest.name} {e.manifest.revision}" for e in found or self.entries()) or "nothing"
        problem = "is there more than once: name the owner or give --revision. There are" if found else "is not in"
        raise StoreError(f"{name} {problem} {names}." if found else f"{name} {problem} {self.root}, which has {names}.")

    @contextmanager
    def arriving(self, name: str, revision: str) -> Iterator[Path]:
        """A folder in which a checkpoint is put together, kept when that is interrupted. Raises StoreError when it is
        there already, or being put together by another process."""
        home = self.root / check_name(name) / check_revision(revision)
        if home.exists():
            raise StoreError(f"{home} is there already. Check it by `sightctl model verify`, or remove it first.")
        folder = self.root / INCOMING / name / revision
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f"{revision}.lock"), timeout=0):
                yield folder
        except Timeout:
            raise StoreError(f"Another process is putting {name} {revision} together.") from None
        except OSError as error:
            raise StoreError(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from error

    def keep(self, arrived: Path, described: Manifest) -> Path:
        """Give a whole checkpoint its place in one step. Returns the folder."""
        home = self.root / described.name / described.revision
        (arrived / MANIFEST).write_text(described.model_dump_json(indent=2), "utf-8")
        home.parent.mkdir(parents=True, exist_ok=True)
        os.sync()
        arrived.rename(home)
        return home

    def remove(self, entry: Entry) -> None:
        """Delete a checkpoint; it is gone from the store at once, whatever happens while its files are deleted."""
        trash = self.root / INCOMING / f"removed-{os.getpid()}"
        trash.parent.mkdir(exist_ok=True)
        entry.folder.rename(trash)
        shutil.rmtree(trash)
        for parent in entry.folder.parents:
            if parent == self.root or any(parent.iterdir()):
                break
            parent.rmdir()

    def check_room(self, size: int) -> None:
        """Raise StoreError unless the disk has room for so many bytes more."""
        free = shutil.disk_usage(next(path for path in (self.root, *self.root.parents) if path.exists())).free
        if free < size + SPARE_BYTES:
            raise StoreError(
                f"{size / 1e9:.1f} GB are to come and {self.root} has {free / 1e9:.1f} GB free, of which "
                f"{SPARE_BYTES / 1e9:.1f} GB stay free. Remove a checkpoint or give another --store."
            )


def bytes_in(folder: Path) -> int:
    """Bytes of all files below a folder, those that are still growing included."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # renamed or finished in between
            continue
    return total
