"""`sightctl check`: the state of a sightd in the convention of Nagios' plugins."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click
import httpx

from .recognize import URL

OK, WARNING, CRITICAL, UNKNOWN = range(4)
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@click.command()
@click.option("--url", default=URL, show_default=True, envvar="SIGHTCTL_URL", help="The server.")
@click.option("--timeout", type=float, default=10.0, show_default=True, help="Seconds to wait for its answer.")
@click.option("--warning", type=int, default=10, show_default=True, help="Waiting requests that are a warning.")
@click.option("--critical", type=int, default=50, show_default=True, help="Waiting requests that are critical.")
def check(url: str, timeout: float, warning: int, critical: int) -> None:
    """Print one line about a running sightd; the exit status is 0 for OK, 1 for WARNING, 2 for CRITICAL and 3 for
    UNKNOWN."""
    try:
        health = httpx.get(f"{url}/health", timeout=timeout).json()
        problems = judged(health, warning, critical)
        figures = performance(health, warning, critical)
    except httpx.HTTPError as error:
        end(CRITICAL, f"nothing answers at {url}: {error}")
    except (ValueError, KeyError, TypeError):
        end(UNKNOWN, f"what answers at {url} is not sightd")
    status = max((level for level, _ in problems), default=OK)
    said = "; ".join(text for _, text in problems) or f"{health['model']} is ready, {health['running']} running"
    end(status, said, figures)


def judged(health: dict[str, Any], warning: int, critical: int) -> list[tuple[int, str]]:
    """What is wrong, each with how bad it is."""
    down = [engine for engine in health["engines"] if engine["state"] not in ("ready", "unloaded")]
    level = WARNING if health["status"] == "ok" else CRITICAL
    problems = [(level, f"engine {e['device']} is {e['state']}: {e['detail'] or 'no reason given'}") for e in down]
    if health["status"] != "ok" and not down:
        problems.append((CRITICAL, "no engine is ready"))
    waiting = health["waiting"]
    if waiting >= warning:
        problems.append((CRITICAL if waiting >= critical else WARNING, f"{waiting} requests are waiting"))
    return problems


def performance(health: dict[str, Any], warning: int, critical: int) -> str:
    """The figures that a graph is made of."""
    counts = health["decoders"]["counts"]
    return (
        f"running={health['running']} waiting={health['waiting']};{warning};{critical};0 "
        f"uptime={health['uptime_seconds']}s decoder_deaths={counts['deaths']}c"
    )


def end(status: int, text: str, figures: str = "") -> NoReturn:
    """Print the line and end with its status."""
    click.echo(f"SIGHTD {NAMES[status]} - {text}" + (f" | {figures}" if figures else ""))
    sys.exit(status)
