"""Taking a checkpoint from a folder or a tar archive, on machines that no hub can be reached from."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from ..wholeness import check_links
from . import StoreError, manifest
from .arrival import finish
from .manifest import MANIFEST, Manifest
from .policy import sentences, sort
from .pulling import Watch
from .shelf import Store

DEFAULT_REVISION = "imported"


class Source(Protocol):
    """The files of a checkpoint that is to be taken."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Every file's bytes."""

    def open(self, name: str) -> IO[bytes]:
        """One of them, to be read."""


class FolderSource:
    """A checkpoint folder. Raises CheckpointError when a symbolic link in it leads out of it."""

    def __init__(self, folder: Path) -> None:
        check_links(folder)
        self._folder = folder
        paths = (path for path in folder.rglob("*") if path.is_file())
        self.sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}

    def open(self, name: str) -> IO[bytes]:
        """See `Source.open`."""
        return (self._folder / name).open("rb")


class TarSource:
    """The folder of an archive that has a config.json. Raises StoreError when a member is anything but a file or
    folder with a plain relative path."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        members = {member.name: member for member in archive if not harmless_folder(member)}
        configs = [name for name in members if PurePosixPath(name).name == "config.json"]
        top = min((PurePosixPath(name).parent for name in configs), key=lambda p: len(p.parts), default=PurePosixPath())
        inside = {PurePosixPath(name): member for name, member in members.items()}
        self._members = {
            path.relative_to(top).as_posix(): member for path, member in inside.items() if path.is_relative_to(top)
        }
        self.sizes = {name: member.size for name, member in self._members.items()}

    def open(self, name: str) -> IO[bytes]:
        """See `Source.open`."""
        file = self._archive.extractfile(self._members[name])
        assert file is not None
        return file


def harmless_folder(member: tarfile.TarInfo) -> bool:
    """Whether a member is a folder; False for a regular file. Raises StoreError for all else."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise StoreError(f"The archive has a member {member.name!r}, which leads out of it. Nothing was taken.")
    if not (member.isreg() or member.isdir()):
        raise StoreError(f"The archive's member {member.name!r} is a link or a device. Nothing was taken.")
    return member.isdir()


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The source at a path. Raises StoreError or CheckpointError."""
    if path.is_dir():
        yield FolderSource(path)
        return
    try:
        with tarfile.open(path) as archive:
            yield TarSource(archive)
    except (tarfile.TarError, EOFError) as error:
        raise StoreError(f"{path} is neither a folder nor a whole tar archive: {error}.") from error


def take(
    store: Store, path: Path, name: str | None, revision: str | None, say: Callable[[str], None], watch: Watch
) -> Path:
    """Copy a checkpoint into the store; one that another store's manifest goes with is compared with it, and keeps its
    name and revision unless others are given. Returns its folder. Raises StoreError or CheckpointError."""
    with opened(path) as source:
        known = read_manifest(source)
        name = name or (known.name if known else path.name.partition(".tar")[0].removesuffix(".tgz"))
        revision = revision or (known.revision if known else DEFAULT_REVISION)
        kept, left = sort(file for file in source.sizes if file != MANIFEST)
        for sentence in sentences(left):
            say(sentence)
        promised = known.files if known else {}
        lost = sorted(set(promised) - set(kept))
        if lost:
            raise StoreError(f"{path} lacks {', '.join(lost)}, which its manifest names.")
        with store.arriving(name, revision) as folder:
            total = sum(source.sizes[file] for file in kept)
            store.check_room(total)
            with watch(folder, total):
                for file in kept:
                    with source.open(file) as read, (folder / file).open("wb") as write:
                        shutil.copyfileobj(read, write, 2**20)
            expected: dict[str, Any] = {file: (source.sizes[file], None) for file in kept}
            expected |= {file: (was.size, was.sha256) for file, was in promised.items()}
            return finish(store, folder, name, revision, known.source if known else str(path), expected)


def read_manifest(source: Source) -> Manifest | None:
    """The manifest among the files, or None. Raises StoreError when it is broken."""
    if MANIFEST not in source.sizes:
        return None
    with source.open(MANIFEST) as file:
        return manifest.parse(file.read(), MANIFEST)
