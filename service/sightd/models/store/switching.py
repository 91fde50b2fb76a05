"""Choosing the checkpoint that is served: one small configuration file, which later starts read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ...config.sources import DROP_INS
from . import StoreError

FILE = "50-model.toml"
RESTART = "Run `systemctl restart sightd` to put it into force."


def switch_to(path: str, configuration: Path) -> Path:
    """Write model.path into a file of its own in the configuration folder, in one step. Returns the file. Raises
    StoreError when it cannot be written."""
    if configuration.is_file():
        raise StoreError(f"{configuration} is one file: set model.path = {json.dumps(path)} in it.")
    target = configuration / DROP_INS / FILE
    draft = target.with_suffix(".new")
    text = f"# Written by `sightctl model switch`.\n[model]\npath = {json.dumps(path, ensure_ascii=False)}\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}.") from error
    return target
