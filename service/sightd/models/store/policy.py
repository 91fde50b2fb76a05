"""Which files of a checkpoint come into the store. All others are left where they are, and named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ..wholeness import PICKLED, listed
from . import StoreError

KEPT = (".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".md")
"""Weights, and texts that are read as data. `.model` is sentencepiece's vocabulary."""
KEPT_NAMES = ("LICENSE", "NOTICE")
CODE = (
    ".bat", ".dll", ".dylib", ".exe", ".jar", ".js", ".lua", ".pl", ".ps1", ".py", ".pyc", ".pyd", ".rb", ".sh", ".so",
)  # fmt: skip
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


def reason_against(path: str) -> str | None:
    """Why a file, given by its path in the checkpoint, does not come into the store; None when it does."""
    name = PurePosixPath(path)
    ending = name.suffix.lower()
    if ending in PICKLED:
        return "(pickled objects, which run code when they are opened)"
    if ending in CODE:
        return "(code, which sightd never runs)"
    if "/" in path:
        return "(in subfolders, where no checkpoint keeps what it needs)"
    if not PLAIN_NAME.fullmatch(path):
        return "(names that no file of a checkpoint has)"
    if ending not in KEPT and path not in KEPT_NAMES:
        return "(kinds of files that sightd does not read)"
    return None


def sort(paths: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The files that are wanted, and those that are not with the reasons. Raises StoreError when what is left has no
    config.json or no weights that may be opened."""
    kept: list[str] = []
    left: dict[str, str] = {}
    for path in sorted(paths):
        if reason := reason_against(path):
            left[path] = reason
        else:
            kept.append(path)
    if "config.json" not in kept:
        raise StoreError("There is no config.json: this is not a checkpoint in transformers' layout.")
    if not any(name.endswith(".safetensors") for name in kept):
        pickled = {path: reason for path, reason in left.items() if path.lower().endswith(PICKLED)}
        raise StoreError(" ".join(["There are no safetensors weights.", *sentences(pickled)]))
    return kept, left


def sentences(left: Mapping[str, str]) -> list[str]:
    """What was left out, one sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in left.items():
        by_reason.setdefault(reason, []).append(path)
    return [f"Left out: {listed(paths)} {reason}." for reason, paths in by_reason.items()]


def check_name(name: str) -> str:
    """A checkpoint's name: one or two plain parts. Raises StoreError for anything else."""
    parts = name.split("/")
    if len(parts) > 2 or not all(map(PLAIN_NAME.fullmatch, parts)):
        raise StoreError(f"{name!r} is no name for a checkpoint: write OWNER/NAME or NAME.")
    return name


def check_revision(revision: str) -> str:
    """A branch, tag or commit. Raises StoreError for one that is no plain name."""
    if not PLAIN_NAME.fullmatch(revision):
        raise StoreError(f"{revision!r} is no revision: write a branch, tag or commit without slashes.")
    return revision
