"""Checkpoint folders: finding them and reading their JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EMBEDDED_FOLDER = Path(__file__).parents[1] / "selftest" / "sightd-tiny-vl"
"""The model that comes with sightd."""


class CheckpointError(Exception):
    """A checkpoint cannot be served; the message names the file and the reason."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a checkpoint file. Raises CheckpointError when it is missing or broken."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: {path.parent} is not a whole checkpoint folder.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} does not hold a JSON object.")
    return content


def first_line(error: BaseException) -> str:
    """What an exception says, in one line of at most 300 characters without a full stop; its class when it says
    nothing."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip()[:300].rstrip(".")
