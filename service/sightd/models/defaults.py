"""How answers are chosen when a request does not say: the operator's settings, then the checkpoint's
generation_config.json."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..config.sampling import Sampling
from .checkpoint import CheckpointError, read_json
from .families import family


@dataclass(frozen=True)
class SamplingDefaults:
    """Defaults for fields that a request leaves out. Temperature 0 is greedy; the other values do not restrict or
    penalise."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0


CHAT = {"minicpm_v": SamplingDefaults(0.7, 0.8, 100, repetition_penalty=1.05)}
"""What a family's original code takes where generation_config.json does not say whether to sample: MiniCPM's `chat()`
never reads that file."""
IN_FILE = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


def read_defaults(folder: Path) -> SamplingDefaults:
    """The checkpoint's defaults; greedy when it says `do_sample: false`, or nothing and its family has none of its own.
    Raises CheckpointError."""
    path = folder / "generation_config.json"
    content = read_json(path) if path.exists() else {}
    own = CHAT.get(family(folder), SamplingDefaults()) if "do_sample" not in content else SamplingDefaults(1.0)
    said = numbers(path, {key: content[key] for key in IN_FILE if key in content})
    sampled = content.get("do_sample", own.temperature > 0)
    return replace(own, **said) if sampled else SamplingDefaults(repetition_penalty=said.get("repetition_penalty", 1.0))


def numbers(path: Path, said: dict[str, Any]) -> dict[str, Any]:
    """What the file says that is not null. Raises CheckpointError for a value that no request could have either."""
    try:
        return Sampling.model_validate(said, strict=True).model_dump(include=set(IN_FILE), exclude_none=True)
    except ValidationError as error:
        first = error.errors()[0]
        key, reason = first["loc"][0], first["msg"].lower()
        raise CheckpointError(f"{path}: {key} cannot be {first['input']!r}: {reason}.") from error


def defaults_of(folder: Path, settings: Sampling) -> SamplingDefaults:
    """The defaults in force: what the operator set, and the checkpoint's own for the rest. Raises CheckpointError."""
    return replace(read_defaults(folder), **settings.model_dump(exclude_none=True))
