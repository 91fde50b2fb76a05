"""`sightctl model pull|import|list|verify|switch|remove`."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ..config.model import EMBEDDED
from ..config.sources import DEFAULT_FOLDER
from ..models.checkpoint import CheckpointError
from ..models.store import StoreError, hubs, importing, manifest, pulling
from ..models.store.shelf import Store
from ..models.store.switching import RESTART, switch_to
from .config import config_option, loaded_or_exit
from .progress import growing

store_option = click.option(
    "--store", "root", type=click.Path(path_type=Path), help="The folder of checkpoints; model.store when left out."
)
revision_option = click.option("--revision", help="A branch, tag or commit.")


def opened(root: Path | None, config: Path | None) -> Store:
    """The store that is meant."""
    return Store(root.absolute() if root else loaded_or_exit(config).settings.model.store)


def explained(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb, which prints what is wrong and exits with status 1 when the store or a checkpoint refuses."""

    @functools.wraps(verb)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            verb(*arguments, **options)
        except (StoreError, CheckpointError) as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return run


def fitting(folder: Path) -> str:
    """The family of a checkpoint that an engine would load. Raises CheckpointError for another."""
    from ..models.wholeness import check

    # What can be said at once is, before torch and transformers are imported.
    check(folder)
    # Libraries say a lot while they are imported; what matters here comes as an error.
    logging.disable(logging.WARNING)
    from ..models.loading import check_fit

    return check_fit(folder)


def say(sentence: str) -> None:
    """Tell the operator, beside the output."""
    click.echo(sentence, err=True)


@click.group()
def model() -> None:
    """Fetch, check and choose checkpoints."""


@model.command()
@click.argument("repository", metavar="OWNER/NAME")
@revision_option
@click.option(
    "--from", "source", type=click.Choice(["modelscope", "huggingface"]), default=hubs.DEFAULT, show_default=True
)
@store_option
@config_option
@explained
def pull(repository: str, revision: str | None, source: str, root: Path | None, config: Path | None) -> None:
    """Fetch a checkpoint from a hub; the same command goes on after an interruption."""
    store, hub = opened(root, config), hubs.hub(source)
    folder = pulling.pull(store, hub, repository, revision or hub.default_revision, say, growing)
    click.echo(str(folder))


@model.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path), metavar="FOLDER|TAR")
@click.option("--name", metavar="OWNER/NAME", help="Its name; that of the folder or archive when left out.")
@revision_option
@store_option
@config_option
@explained
def take(path: Path, name: str | None, revision: str | None, root: Path | None, config: Path | None) -> None:
    """Copy a checkpoint folder or tar archive into the store."""
    click.echo(str(importing.take(opened(root, config), path.resolve(), name, revision, say, growing)))


@model.command("list")
@store_option
@config_option
@explained
def list_models(root: Path | None, config: Path | None) -> None:
    """List the checkpoints of the store."""
    used = loaded_or_exit(config).settings.model.path
    store = opened(root, config)
    table = Table("name", "revision", "size", "from", "added", "")
    entries = store.entries()
    for folder, known in ((entry.folder, entry.manifest) for entry in entries):
        serving = "configured" if str(folder) == used.rstrip("/") else ""
        size = f"{known.size / 1e9:.2f} GB"
        table.add_row(known.name, known.revision, size, known.source, f"{known.added:%Y-%m-%d}", serving)
    console = Console()
    console.width = console.width if console.is_terminal else 1000
    console.print(table if entries else f"There are no checkpoints in {store.root}.")


@model.command()
@click.argument("name", metavar="NAME|FOLDER")
@revision_option
@store_option
@config_option
@explained
def verify(name: str, revision: str | None, root: Path | None, config: Path | None) -> None:
    """Check that a checkpoint is whole: every file against its manifest, and all that an engine checks first."""
    folder = Path(name) if "/" in name and Path(name).is_dir() else opened(root, config).find(name, revision).folder
    known = manifest.read(folder)
    problems = manifest.differences(folder, known) if known else []
    if problems:
        raise StoreError("\n".join(problems))
    family = fitting(folder)
    checked = f"{len(known.files)} files are as they came" if known else "it has no manifest to compare files with"
    click.echo(f"{folder} is a whole {family} checkpoint; {checked}.")


@model.command()
@click.argument("name", metavar=f"NAME|{EMBEDDED}")
@revision_option
@store_option
@config_option
@explained
def switch(name: str, revision: str | None, root: Path | None, config: Path | None) -> None:
    """Serve another checkpoint from the next start on."""
    path = EMBEDDED
    if name != EMBEDDED:
        folder = opened(root, config).find(name, revision).folder
        fitting(folder)
        path = str(folder)
    written = switch_to(path, config or DEFAULT_FOLDER)
    effective = loaded_or_exit(config)
    if effective.settings.model.path != path:
        raise StoreError(f"{written} says so now, but {effective.origins['model.path']} sets model.path, and wins.")
    say(f"model.path is {path} now, by {written}. {RESTART}")


@model.command()
@click.argument("name")
@revision_option
@store_option
@config_option
@explained
def remove(name: str, revision: str | None, root: Path | None, config: Path | None) -> None:
    """Delete a checkpoint from the store."""
    store = opened(root, config)
    entry = store.find(name, revision)
    if loaded_or_exit(config).settings.model.path.rstrip("/") == str(entry.folder):
        raise StoreError(f"{entry.folder} is the configured model. Switch to another first.")
    store.remove(entry)
    say(f"Removed {entry.manifest.name} {entry.manifest.revision}: {entry.manifest.size / 1e9:.2f} GB are free again.")
