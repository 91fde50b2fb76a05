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
    """Measure for so many minutes, which the command line may change; report, and end with status 1 when a rule is
    broken. `measure` is given the server and the seconds."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--minutes", type=float, default=minutes)
    seconds = 60 * parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), environment=environment)
        try:
            server.wait_ready()
            lines, broken = asyncio.run(measure(server, seconds))
        finally:
            server.stop()
    sys.stdout.write("\n".join([*lines, *(f"broken: {rule}" for rule in broken), ""]))
    sys.exit(bool(broken))
