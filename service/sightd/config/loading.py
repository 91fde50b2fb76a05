"""From sources to settings, with the origin of every value kept and every problem reported."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .problems import ConfigError, Problem, did_you_mean
from .settings import Settings
from .sources import Layer, Tables, keys, layers


@dataclass(frozen=True)
class Loaded:
    """Settings and, for every key (`section.name`) that a source set, where it came from."""

    settings: Settings
    origins: Mapping[str, str]


def load(
    config: Path | None = None, options: Tables | None = None, environment: Mapping[str, str] = os.environ
) -> Loaded:
    """Read every source. `config` is a file or folder in place of /etc/sightd; `options` are section tables from the
    command line, which win. Raises ConfigError with all problems."""
    problems: list[Problem] = []
    merged, origins = merge(layers(config, environment, options or {}, problems), problems)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems += [problem(entry, origins) for entry in found if not follows(entry, found)]
    if problems:
        raise ConfigError(problems)
    return Loaded(settings, origins)


def merge(found: list[Layer], problems: list[Problem]) -> tuple[Tables, dict[str, str]]:
    """The layers' tables as one, later layers winning key by key, and where each value came from; `problems` grows by
    unknown sections and keys."""
    merged: Tables = {}
    origins: dict[str, str] = {}
    for layer in found:
        for section, table in layer.tables.items():
            if complaint := section_problem(layer, section, table):
                problems.append(complaint)
                continue
            for key, value in table.items():
                known = list(keys(Settings.model_fields[section]))
                if key not in known:
                    problems.append(
                        Problem(layer.origin, f"{section}.{key}", f"is not known; {did_you_mean(key, known)}", value)
                    )
                    continue
                merged.setdefault(section, {})[key] = value
                origins[f"{section}.{key}"] = layer.origin_of(section, key)
    return merged, origins


def section_problem(layer: Layer, section: str, table: Any) -> Problem | None:
    """What is wrong with a section as a whole, if anything."""
    if section not in Settings.model_fields:
        return Problem(
            layer.origin, f"[{section}]", f"is not a section; {did_you_mean(section, Settings.model_fields)}"
        )
    if not isinstance(table, dict):
        return Problem(
            layer.origin, section, f"is a section: write [{section}] on a line of its own and its keys below.", table
        )
    return None


def follows(entry: Any, found: Sequence[Any]) -> bool:
    """Whether a list is only called too short because pydantic left out the items that are wrong by themselves."""
    place = entry["loc"]
    return entry["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in found
    )


def problem(entry: Any, origins: Mapping[str, str]) -> Problem:
    """One of pydantic's errors in our words."""
    key = ".".join(str(part) for part in entry["loc"][:2])
    sentence = entry["msg"].removeprefix("Value error, ")
    sentence = sentence[:1].lower() + sentence[1:]
    return Problem(origins.get(key, "default"), key, sentence.rstrip(".") + ".", entry.get("input"))
