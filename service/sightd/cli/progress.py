"""A progress bar for a folder that is being filled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ..models.store.shelf import bytes_in

EVERY_SECONDS = 0.5


@contextmanager
def growing(folder: Path, total: int) -> Iterator[None]:
    """Shows on stderr, while the block runs, how many bytes of `total` the folder has; nothing off a terminal. What is
    on the disk counts, so that it is right for every client and after an interruption."""
    numbers = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    over = threading.Event()
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), *numbers, console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(folder.parent.name, total=total, completed=bytes_in(folder))

        def watch() -> None:
            while not over.wait(EVERY_SECONDS):
                bar.update(task, completed=min(total, bytes_in(folder)))

        thread = threading.Thread(target=watch, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            bar.update(task, completed=min(total, bytes_in(folder)))
