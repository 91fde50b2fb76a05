"""`sightctl check-config` and `sightctl show-config`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ..config import ConfigError, Loaded, Settings, load
from ..named import missing_things

CONFIG_STATUS = 78
"""EX_CONFIG of sysexits.h."""
MASK = "********"

config_option = click.option(
    "--config", type=click.Path(path_type=Path), metavar="PATH", help="A file or folder in place of /etc/sightd."
)


def loaded_or_exit(config: Path | None) -> Loaded:
    """The configuration; prints every problem and exits when there are any."""
    try:
        return load(config)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        click.echo(f"{len(error.problems)} problem{'s' if len(error.problems) > 1 else ''} found.", err=True)
        sys.exit(CONFIG_STATUS)


@click.command("check-config")
@config_option
def check_config(config: Path | None) -> None:
    """Check the configuration and what it names; all problems are listed at once."""
    loaded = loaded_or_exit(config)
    problems = missing_things(loaded)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(CONFIG_STATUS)
    files = sorted({origin for origin in loaded.origins.values() if origin.startswith("/")})
    click.echo(f"The configuration is good ({', '.join(files) or 'no file: defaults'}).")


@click.command("show-config")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def show_config(config: Path | None, as_json: bool) -> None:
    """Show every setting with its value and where it came from; secrets are masked."""
    rows = effective(loaded_or_exit(config))
    if as_json:
        click.echo(
            json.dumps(
                {key: {"value": value, "origin": origin} for key, value, origin in rows}, indent=2, ensure_ascii=False
            )
        )
        return
    table = Table("setting", "value", "from", box=None, header_style="bold")
    for key, value, origin in rows:
        table.add_row(key, json.dumps(value, ensure_ascii=False), origin, style="dim" if origin == "default" else "")
    console = Console()
    console.width = console.width if console.is_terminal else 1000
    console.print(table)


def effective(loaded: Loaded) -> list[tuple[str, Any, str]]:
    """Every key with its value and origin."""
    values = loaded.settings.model_dump(mode="json")
    rows = []
    for section, table in values.items():
        for key, value in table.items():
            shown = MASK if value and is_secret(section, key) else value
            rows.append((f"{section}.{key}", shown, loaded.origins.get(f"{section}.{key}", "default")))
    return rows


def is_secret(section: str, key: str) -> bool:
    """Whether a setting's field is marked secret."""
    annotation = Settings.model_fields[section].annotation
    assert annotation is not None
    extra = annotation.model_fields[key].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("secret"))
