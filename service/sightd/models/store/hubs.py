"""What the store asks of a hub, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

DEFAULT = "modelscope"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository: its path there, its bytes, and its SHA-256 in hexadecimal where the hub says it."""

    path: str
    size: int
    sha256: str | None


class Hub(Protocol):
    """A place that checkpoints are fetched from."""

    name: str
    default_revision: str

    def files(self, repository: str, revision: str) -> list[RemoteFile]:
        """All files of a repository. Raises StoreError."""

    def fetch(self, repository: str, revision: str, files: Sequence[RemoteFile], folder: Path) -> None:
        """Fetch files into the folder, going on where an interrupted fetch stopped. Raises StoreError."""


def hub(name: str) -> Hub:
    """The hub of this name; its client library is imported only now."""
    if name == "huggingface":
        from .huggingface import HuggingFace

        return HuggingFace()
    from .modelscope import ModelScope

    return ModelScope()
