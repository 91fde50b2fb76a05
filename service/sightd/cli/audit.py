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
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@config_option
def verify(paths: tuple[Path, ...], config: Path | None) -> None:
    """Does the chain of the audit log hold? PATHS are its files, the oldest first; the configured one
    when left out. Each entry's hash is in the journal's line of its request, too, as AUDIT."""
    if not paths:
        configured = loaded_or_exit(config).settings.audit.path
        if configured is None:
            click.echo("No audit log is kept: audit.path is not set.", err=True)
            sys.exit(2)
        paths = (configured,)
    count, last = 0, ""
    try:
        for entry in entries_of(*paths):
            count, last = count + 1, f", the last at {entry['time']} for {entry['request_id']}"
    except (AuditError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{', '.join(map(str, paths))}: the chain holds: {count} entries{last}.")
