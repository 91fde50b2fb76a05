"""`sightctl bench`: load on this server, or on any other with OpenAI's API."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import Progress

from ..bench.load import Plan, run
from ..bench.report import Figures, figures, table
from .recognize import URL


class Size(click.ParamType[tuple[int, int]]):
    """WIDTHxHEIGHT."""

    name = "WxH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Two positive whole numbers."""
        try:
            width, height = (int(part) for part in str(value).split("x"))
        except ValueError:
            width = height = 0
        if not (0 < width <= 8192 and 0 < height <= 8192):
            self.fail(f"{value!r} is no size: write WIDTHxHEIGHT in pixels, such as 448x448.", param, ctx)
        return width, height


@click.command()
@click.option("--url", default=URL, show_default=True, envvar="SIGHTCTL_URL", help="The server.")
@click.option("--model", help="The model's name; the server's first one when left out.")
@click.option("--key", envvar="SIGHTCTL_KEY", help="An API key.")
@click.option(
    "--at-once",
    "loads",
    type=click.IntRange(1, 4096),
    multiple=True,
    help="Requests under way at a time; may be repeated. [default: 1, 8, 16]",
)
@click.option(
    "--rate",
    "rates",
    type=click.FloatRange(0.001, 10_000),
    multiple=True,
    help="Requests a second instead, whatever the server does; may be repeated.",
)
@click.option("--requests", type=click.IntRange(1, 1_000_000), help="In each run. [default: 4 for each at once]")
@click.option("--max-tokens", type=click.IntRange(1), default=64, show_default=True, help="Longest answer.")
@click.option("--size", type=Size(), default="448x448", show_default=True, help="The pictures' size.")
@click.option("--pictures", type=click.IntRange(0, 64), default=1, show_default=True, help="Pictures in a request.")
@click.option("--same-picture", is_flag=True, help="Send one picture again and again instead of distinct ones.")
@click.option("--prompt", default="Describe the picture.", show_default=True, help="The question.")
@click.option("--ignore-eos", is_flag=True, help="Make every answer as long as it may be (sightd and vLLM).")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here too.")
def bench(
    url: str,
    model: str | None,
    key: str | None,
    loads: tuple[int, ...],
    rates: tuple[float, ...],
    requests: int | None,
    same_picture: bool,
    file: Path | None,
    **options: Any,
) -> None:
    """Measure a server under load: times to the first token, between tokens and to the end, and tokens a second."""
    url = url.rstrip("/").removesuffix("/v1")
    name = model or first_model(url, key)
    shared = Plan(url=url, model=name, requests=1, key=key, distinct=not same_picture, **options)
    plans = [(f"{rate:g} a second", spread(shared, requests or 32, rate=rate)) for rate in rates]
    loads = loads or (() if rates else (1, 8, 16))
    plans += [(f"{n} at a time", spread(shared, requests or max(8, 4 * n), concurrency=n)) for n in loads]
    rows = [measure(name, plan) for name, plan in plans]
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(rows))
    for error in {error for row in rows for error in row.errors}:
        console.print(f"failed: {error}", markup=False)
    if file is not None:
        file.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    sys.exit(1 if any(row.failed for row in rows) else 0)


def spread(plan: Plan, requests: int, concurrency: int = 1, rate: float | None = None) -> Plan:
    """The plan with a load of its own."""
    return Plan(**vars(plan) | {"requests": requests, "concurrency": concurrency, "rate": rate})


def measure(name: str, plan: Plan) -> Figures:
    """One run with a progress bar. One request goes before it, so that nothing is measured cold."""
    asyncio.run(run(spread(plan, 1), lambda _: None))
    with Progress(transient=True, disable=not sys.stderr.isatty(), console=Console(stderr=True)) as progress:
        bar = progress.add_task(name, total=plan.requests)
        outcomes = asyncio.run(run(plan, lambda _: progress.advance(bar)))
    return figures(name, outcomes)


def first_model(url: str, key: str | None) -> str:
    """The first name that the server lists. Ends the command with a sentence when there is none."""
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        response = httpx.get(f"{url}/v1/models", headers=headers, timeout=30).raise_for_status()
        return str(response.json()["data"][0]["id"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
        raise click.ClickException(
            f"{url} does not say which model it serves ({error}). Is it running? Name the model with --model."
        ) from error
