"""Whether a checkpoint folder is whole and safe to load, as far as its files say without their weights being read.

`sightd` asks at its start, every engine before it loads, and `sightctl model` before and after it moves checkpoints, so
that all of them give the same reason. No torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .checkpoint import CheckpointError, read_json
from .defaults import read_defaults
from .families import family, prompt_builder

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
PICKLED = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
"""Endings of files that run code when they are opened."""
NAMED = 5
"""How many weights or files an error names."""


def check(folder: Path) -> str:
    """The family of a checkpoint folder whose files are all there. Raises CheckpointError with the file and the reason:
    an architecture that is not known, links out of the folder, weights that are missing, cut off or pickled, a
    tokenizer, a template or defaults of sampling that cannot be used."""
    name = family(folder)
    check_links(folder)
    files = weight_files(folder)
    for path in files:
        check_present(path)
    for path, wanted in files.items():
        check_weights(path, wanted)
    prompt_builder(folder)
    read_defaults(folder)
    return name


def check_links(folder: Path) -> None:
    """Raise CheckpointError when a symbolic link below the folder leads out of it."""
    home = folder.resolve()
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            raise CheckpointError(
                f"{path} is a symbolic link out of its folder. Copy the checkpoint with its files in it (cp -rL), or "
                "let `sightctl model pull` fetch it."
            )


def weight_files(folder: Path) -> dict[Path, list[str]]:
    """The weight files by path, each with the weights that the index says are in it (none without an index). Raises
    CheckpointError when a name in the index is not that of a file beside it."""
    if not (folder / INDEX).exists():
        return {folder / SINGLE: []}
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, Mapping) or not places:
        raise CheckpointError(f"{folder / INDEX} has no weight_map.")
    found: dict[Path, list[str]] = {}
    for weight, name in places.items():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise CheckpointError(f"{folder / INDEX} names {json.dumps(name)}, which is no safetensors file beside it.")
        found.setdefault(folder / name, []).append(weight)
    return dict(sorted(found.items()))


def check_present(path: Path) -> None:
    """Raise CheckpointError unless the file is there."""
    if not path.is_file():
        complaint = f"{path} is missing: {path.parent} is not a whole checkpoint folder."
        raise CheckpointError(complaint + instead(path.parent))


def check_weights(path: Path, wanted: Iterable[str]) -> None:
    """Raise CheckpointError unless this is a whole safetensors file that holds the weights."""
    try:
        with safe_open(path, framework="np") as file:
            lacking = sorted(set(wanted) - set(file.keys()))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is cut off or damaged ({error}). Fetch it again: `sightctl model pull` or `import`."
        ) from error
    if lacking:
        raise CheckpointError(f"{path} lacks {len(lacking)} weights that the index puts there: {listed(lacking)}.")


def refuse_misfits(folder: Path, problems: Mapping[str, list[str]]) -> None:
    """Raise CheckpointError when any weights do not fit the model; `problems` are names by what is wrong with them."""
    sentences = [f"{len(names)} weights are {what}: {listed(names)}" for what, names in problems.items() if names]
    if sentences:
        raise CheckpointError(
            f"{folder} does not hold the model that its config.json describes: {'; '.join(sentences)}."
        )


def instead(folder: Path) -> str:
    """A sentence about pickled weights that stand where safetensors are wanted, or nothing."""
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in PICKLED)
    if not pickled or any(folder.glob("*.safetensors")):
        return ""
    return f" Its weights are pickled ({listed(pickled)}) and would run code when opened: take one with safetensors."


def listed(names: list[str]) -> str:
    """The first few names."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
