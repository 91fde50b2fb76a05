"""The audit log: who asked what kind of thing when, and how much of it; never what it was about.

One JSON object a line. Each holds the hash of the one before, and its own hash over all the rest, so that a line that
was changed, taken out or put in breaks the chain from there on. The hash is in the journal's line of the request, too:
a chain that was written anew as a whole does not fit the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import logs

FIRST = "0" * 64
"""What stands for the hash before the first line."""
TAIL_BYTES = 64 * 1024
"""More than the longest line."""

log = logs.get(__name__)


class AuditError(Exception):
    """The audit log cannot be written or does not hold; the message says why."""


def chained(previous: str, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with the hash of the one before and its own."""
    whole = entry | {"previous": previous}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return whole | {"hash": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}


class AuditLog:
    """Appends to a file; one process writes to it."""

    def __init__(self, path: Path) -> None:
        """Go on where the file ends. Raises AuditError."""
        self._path = path
        try:
            self._file = open_log(path)
            self._previous = self._last_hash()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AuditError(f"{path} cannot be gone on with: {error}; `sightctl audit verify` says more.") from error

    def _last_hash(self) -> str:
        size = os.fstat(self._file).st_size
        tail = os.pread(self._file, TAIL_BYTES, max(0, size - TAIL_BYTES))
        if not tail:
            return FIRST
        if not tail.endswith(b"\n"):
            raise ValueError("the last line is cut")
        last: str = json.loads(tail.splitlines()[-1])["hash"]
        return last

    def reopen(self) -> None:
        """Go on in a new file when the one that is open was moved away, with the same chain. A new file that cannot be
        had is complained about; the moved one is written to then."""
        try:
            if self._path.exists() and os.path.samestat(self._path.stat(), os.fstat(self._file)):
                return
            moved, self._file = self._file, open_log(self._path)
            os.close(moved)
        except OSError as error:
            log.error("audit log not opened again", path=str(self._path), reason=str(error))

    def write(self, entry: dict[str, Any]) -> str:
        """Append an entry with the present time; its hash. A file that takes no more is complained about, and the
        chain goes on with the next entry that it takes."""
        whole = chained(self._previous, {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry})
        line = json.dumps(whole, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._append(line)
        except OSError as error:
            log.error("audit entry not written", path=str(self._path), reason=str(error))
            return ""
        self._previous = whole["hash"]
        return self._previous

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._file).st_size
        if os.write(self._file, line) < len(line):
            os.ftruncate(self._file, before)
            raise OSError("there is no room for a whole line")


def open_log(path: Path) -> int:
    """A descriptor to append with. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def verify(*paths: Path) -> Iterator[dict[str, Any]]:
    """The entries of a log, as far as its chain holds; the oldest file first where it is in several. Raises AuditError
    for the first line that does not fit."""
    previous = None
    for path in paths:
        for entry in verify_file(path, previous):
            previous = entry["hash"]
            yield entry


def verify_file(path: Path, previous: str | None) -> Iterator[dict[str, Any]]:
    """The entries of one file, the first of which follows the hash `previous`, if that is known. Raises AuditError."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                told, before = entry.pop("hash"), entry.pop("previous")
            except (ValueError, KeyError, AttributeError):
                raise AuditError(f"{path}: line {number} is no entry of an audit log.") from None
            if previous is not None and before != previous:
                raise AuditError(f"{path}: line {number} does not follow the line before it.")
            if chained(before, entry)["hash"] != told:
                raise AuditError(f"{path}: line {number} was changed.")
            previous = told
            yield entry | {"previous": before, "hash": told}
