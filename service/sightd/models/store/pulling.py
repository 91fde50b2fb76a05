"""Fetching a checkpoint from a hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ..families import family
from .arrival import finish
from .hubs import Hub, RemoteFile
from .policy import check_name, check_revision, sentences, sort
from .shelf import Store, bytes_in

Watch = Callable[[Path, int], AbstractContextManager[object]]
"""Shows how a folder grows to a number of bytes while the block runs."""


def pull(store: Store, hub: Hub, repository: str, revision: str, say: Callable[[str], None], watch: Watch) -> Path:
    """Fetch a checkpoint, or the rest of one. Nothing is fetched before it is known that it may be opened and that
    there is room. Returns its folder. Raises StoreError or CheckpointError."""
    check_name(repository)
    check_revision(revision)
    offered = {file.path: file for file in hub.files(repository, revision)}
    kept, left = sort(offered)
    for sentence in sentences(left):
        say(sentence)
    files = [offered[name] for name in kept]
    with store.arriving(repository, revision) as folder:
        total = sum(file.size for file in files)
        store.check_room(total - bytes_in(folder))
        hub.fetch(repository, revision, [offered["config.json"]], folder)
        family(folder)
        with watch(folder, total):
            hub.fetch(repository, revision, files, folder)
        return finish(store, folder, repository, revision, hub.name, checksums(files))


def checksums(files: Sequence[RemoteFile]) -> dict[str, tuple[int, str | None]]:
    """Size and SHA-256 of each file, as the hub says them."""
    return {file.path: (file.size, file.sha256) for file in files}
