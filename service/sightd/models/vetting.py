"""Whether a checkpoint folder can be served, as far as that shows before anything of it is loaded. No torch here."""

from __future__ import annotations

from pathlib import Path

from .families import family, prompt_builder
from .weightfiles import check_files


def vet(folder: Path) -> None:
    """Raise CheckpointError, with the file and the reason, for an unknown architecture, weight files that are missing
    or not whole, and a tokenizer or a template that cannot be used."""
    family(folder)
    check_files(folder)
    prompt_builder(folder)
