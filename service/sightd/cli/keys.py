"""`sightctl keys add|list|revoke`."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from ..auth.keys import Key, KeyFile, KeysError, load, make, path_of, save
from .config import config_option, loaded_or_exit

RELOAD = "Run `systemctl reload sightd` to put it into force."


class Moment(click.ParamType[datetime]):
    """A date (2027-01-31) or a number of days from now (90d)."""

    name = "DATE|DAYSd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, at midnight UTC for a date."""
        if isinstance(value, datetime):
            return value
        if days := re.fullmatch(r"(\d{1,5})d", value):
            return datetime.now(UTC).replace(microsecond=0) + timedelta(days=int(days[1]))
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self.fail("write a date such as 2027-01-31, or days from now such as 90d", param, ctx)


file_option = click.option(
    "--file", "path", type=click.Path(path_type=Path), help="The keys file; the configured one when left out."
)


def opened(path: Path | None, config: Path | None) -> tuple[Path, KeyFile]:
    """The keys file and what is in it; prints what is wrong and exits when it cannot be read."""
    path = path or path_of(loaded_or_exit(config).settings.auth.keys_file)
    try:
        return path, load(path)
    except KeysError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def stored(path: Path, keys: list[Key]) -> None:
    """Write the keys; prints what is wrong and exits when that fails."""
    try:
        save(path, KeyFile(keys=keys))
    except (KeysError, ValidationError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that callers show."""


@keys.command()
@click.argument("name")
@click.option("--expires", type=Moment(), help="When it ends; never when left out.")
@click.option("--endpoint", "endpoints", multiple=True, help="A path it may call, * for anything; may be repeated.")
@click.option("--concurrency", type=click.IntRange(1), help="Requests at a time.")
@click.option("--requests-per-minute", type=click.IntRange(1))
@click.option("--tokens-per-minute", type=click.IntRange(1), help="Of prompts and answers together.")
@click.option("--priority", type=click.IntRange(-1000, 1000), default=0, help="Lower values go first.")
@file_option
@config_option
def add(name: str, path: Path | None, config: Path | None, **rights: Any) -> None:
    """Make a key called NAME and print it, this once."""
    path, file = opened(path, config)
    if any(key.name == name for key in file.keys):
        click.echo(f"There is a key {name!r} already. Revoke it first, or take another name.", err=True)
        sys.exit(1)
    try:
        text, key = make(name, **rights)
    except ValidationError:
        click.echo("A name has up to 64 letters, digits and the marks . _ @ -", err=True)
        sys.exit(1)
    stored(path, [*file.keys, key])
    click.echo(text)
    click.echo(f"Written to {path} as a hash: this is the only time that it is shown. {RELOAD}", err=True)


@keys.command("list")
@file_option
@config_option
def list_keys(path: Path | None, config: Path | None) -> None:
    """List the keys: names and rights, never the keys themselves."""
    path, file = opened(path, config)
    table = Table("name", "created", "expires", "endpoints", "at a time", "requests/min", "tokens/min", "priority")
    for key in file.keys:
        ends = "never" if key.expires is None else f"{key.expires:%Y-%m-%d}"
        over = " (over)" if key.expired(datetime.now(UTC)) else ""
        limits = (key.concurrency, key.requests_per_minute, key.tokens_per_minute)
        rights = [", ".join(key.endpoints) or "all", *(str(limit or "-") for limit in limits), str(key.priority)]
        table.add_row(key.name, f"{key.created:%Y-%m-%d}", ends + over, *rights)
    Console().print(table if file.keys else f"There are no keys in {path}.")


@keys.command()
@click.argument("name")
@file_option
@config_option
def revoke(name: str, path: Path | None, config: Path | None) -> None:
    """Take the key called NAME away."""
    path, file = opened(path, config)
    left = [key for key in file.keys if key.name != name]
    if len(left) == len(file.keys):
        click.echo(f"There is no key {name!r} in {path}.", err=True)
        sys.exit(1)
    stored(path, left)
    click.echo(f"Revoked {name}. {RELOAD}", err=True)
