"""`sightctl audit verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..audit import AuditError
from ..audit import verify as entries_of
from .config import config_option, loaded_or_exit


@click.group()
def audit() -> None:
    """Look at the audit log."""


@audit.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@config_option
def verify(path: Path | None, config: Path | None) -> None:
    """Does the chain of the audit log hold? PATH is the configured one when left out. Each entry's
    hash is in the journal's line of its request, too, as AUDIT."""
    path = path or loaded_or_exit(config).settings.audit.path
    if path is None:
        click.echo("No audit log is kept: audit.path is not set.", err=True)
        sys.exit(2)
    count, last = 0, ""
    try:
        for entry in entries_of(path):
            count, last = count + 1, f", the last at {entry['time']} for {entry['request_id']}"
    except (AuditError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{path}: the chain holds: {count} entries{last}.")
