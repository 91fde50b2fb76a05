"""The frame of the programs that measure a sightd of their own for some minutes."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from .server import Server

Figures = tuple[list[str], list[str]]
"""The lines of a report, and the rules that were broken."""


def measured(
    program: str,
    minutes: float,
    measure: Callable[[Server, float], Coroutine[Any, Any, Figures]],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Measure for so many minutes, which the command line may change, as it may the checkpoint; report, and end with
    status 1 when a rule is broken. `measure` is given the server and the seconds."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--model", help="a checkpoint folder; the model that comes with sightd when left out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--model", options.model] if options.model else []
        server = Server(Path(folder), arguments, environment)
        try:
            server.wait_ready()
            lines, broken = asyncio.run(measure(server, 60 * options.minutes))
        finally:
            server.stop()
    sys.stdout.write("\n".join([*lines, *(f"broken: {rule}" for rule in broken), ""]))
    sys.exit(bool(broken))
