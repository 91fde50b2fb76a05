"""How a checkpoint wants to be sampled when a request does not say: its generation_config.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .checkpoint import CheckpointError, read_json


@dataclass(frozen=True)
class SamplingDefaults:
    """Defaults for fields that a request leaves out. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0


def read_defaults(folder: Path) -> SamplingDefaults:
    """The checkpoint's defaults; greedy when it has none or says `do_sample: false`. Raises CheckpointError."""
    path = folder / "generation_config.json"
    content = read_json(path) if path.exists() else {}
    if not content.get("do_sample", False):
        return SamplingDefaults()
    try:
        return SamplingDefaults(
            temperature=float(content.get("temperature") or 1.0),
            top_p=float(content.get("top_p") or 1.0),
            top_k=int(content.get("top_k") or 0),
        )
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: temperature, top_p and top_k must be numbers.") from error
