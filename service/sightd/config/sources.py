"""Where settings come from, weakest first: files, the environment, systemd credentials, the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from .problems import Problem, did_you_mean
from .settings import DELIMITER, PREFIX, Settings

DEFAULT_FOLDER = Path("/etc/sightd")
MAIN_FILE = "sightd.toml"
DROP_INS = "conf.d"

Tables = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """The settings that one source gives, as section tables, and how to call each of them in a message."""

    origin: str
    tables: Tables

    def origin_of(self, section: str, key: str) -> str:
        """Where exactly the key was set."""
        if self.origin == "environment":
            return f"environment variable {PREFIX}{section.upper()}{DELIMITER}{key.upper()}"
        return self.origin


def layers(
    config: Path | None, environment: Mapping[str, str], options: Tables, problems: list[Problem]
) -> list[Layer]:
    """Every source, weakest first; `problems` grows by unreadable files and unknown variables."""
    found = [layer for path in files(config) if (layer := read_file(path, problems))]
    found.append(Layer("environment", from_environment(environment, problems)))
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        found.append(Layer(f"credentials in {folder}", from_credentials(Path(folder), problems)))
    found.append(Layer("command line", options))
    return found


def files(config: Path | None) -> list[Path]:
    """The files to read: the one given, or sightd.toml and conf.d/*.toml of the folder given or of /etc/sightd."""
    folder = config or DEFAULT_FOLDER
    if config is not None and not config.is_dir():
        return [config]
    main = [folder / MAIN_FILE] if (folder / MAIN_FILE).exists() else []
    return main + sorted((folder / DROP_INS).glob("*.toml"))


def read_file(path: Path, problems: list[Problem]) -> Layer | None:
    """One TOML file, or None with the problem added."""
    try:
        path.open("rb").close()
        return Layer(str(path), TomlConfigSettingsSource(Settings, path)())
    except OSError as error:
        remedy = f"; `chmod a+r {path}` lets the service read it" if isinstance(error, PermissionError) else ""
        problems.append(Problem(str(path), "", f"cannot be read: {error.strerror or error}{remedy}."))
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "", "is not UTF-8 text."))
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(str(path), "", f"is not valid TOML: {error}."))
    return None


def from_environment(environment: Mapping[str, str], problems: list[Problem]) -> Tables:
    """Settings from SIGHTD_<SECTION>__<KEY> variables."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    known = {name: value for name, value in sorted(ours.items()) if is_known(name, problems)}
    source = _Environment(Settings, known)
    try:
        return source()
    except SettingsError as error:
        problems.append(Problem("environment", "", f"{error}: write lists as JSON or separated by commas."))
        return {}


def is_known(name: str, problems: list[Problem]) -> bool:
    """Whether a variable names a setting; adds a problem when it does not."""
    section, _, key = name.removeprefix(PREFIX).lower().partition(DELIMITER)
    sections = Settings.model_fields
    if section not in sections:
        known = (f"{PREFIX}{s.upper()}{DELIMITER}{k.upper()}" for s, f in sections.items() for k in keys(f))
        problems.append(Problem(f"environment variable {name}", "", f"names no section; {did_you_mean(name, known)}"))
        return False
    if key not in keys(sections[section]):
        sentence = f"is not known; {did_you_mean(key, keys(sections[section]))}"
        problems.append(Problem(f"environment variable {name}", f"{section}.{key}", sentence))
        return False
    return True


def keys(section: FieldInfo) -> Iterator[str]:
    """The names of a section's keys."""
    assert section.annotation is not None
    yield from section.annotation.model_fields


def from_credentials(folder: Path, problems: list[Problem]) -> Tables:
    """Settings from credential files named `section.key`; other credentials are none of our business."""
    tables: Tables = {}
    try:
        found = sorted(folder.iterdir())
    except FileNotFoundError:
        return tables
    except OSError as error:
        problems.append(Problem(str(folder), "", f"cannot be read: {error.strerror}."))
        return tables
    for path in found:
        section, _, key = path.name.partition(".")
        if not key or section not in Settings.model_fields:
            continue
        if key not in keys(Settings.model_fields[section]):
            problems.append(
                Problem(
                    str(path), path.name, f"is not known; {did_you_mean(key, keys(Settings.model_fields[section]))}"
                )
            )
            continue
        try:
            tables.setdefault(section, {})[key] = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(str(path), path.name, f"cannot be read: {error}."))
    return tables


class _Environment(EnvSettingsSource):
    """pydantic-settings' environment source over a mapping that is handed in instead of os.environ."""

    def __init__(self, settings: type[Settings], environment: dict[str, str]) -> None:
        self._environment = {name.lower(): value for name, value in environment.items() if value}
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str]:
        return self._environment
