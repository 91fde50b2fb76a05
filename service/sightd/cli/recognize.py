"""`sightctl recognize`: ask a running sightd about pictures."""

from __future__ import annotations

import json
import mimetypes
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import httpx

URL = "http://127.0.0.1:8000"
PATIENCE = 600.0
"""Seconds to wait for one answer."""


class Refused(Exception):
    """The server's reason for not answering."""


@click.command()
@click.argument(
    "pictures",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PICTURE...",
)
@click.option("--prompt", required=True, help="The question.")
@click.option("--together", is_flag=True, help="Ask one question about all pictures instead of one about each.")
@click.option("--url", default=URL, show_default=True, envvar="SIGHTCTL_URL", help="The server.")
@click.option("--max-tokens", type=int, help="Longest answer in tokens.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Questions that are asked at once."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each answer.")
def recognize(
    pictures: tuple[Path, ...], prompt: str, together: bool, url: str, max_tokens: int | None, jobs: int, as_json: bool
) -> None:
    """Ask a running sightd a question about PICTURE."""
    asked = [list(pictures)] if together else [[picture] for picture in pictures]
    failures = 0
    with httpx.Client(base_url=url, timeout=PATIENCE) as client, ThreadPoolExecutor(jobs) as threads:
        answers = [threads.submit(ask, client, group, prompt, max_tokens) for group in asked]
        for group, answer in zip(asked, answers, strict=True):
            try:
                show(group, answer.result(), as_json)
            except Refused as error:
                failures += 1
                click.echo(f"{', '.join(map(str, group))}: {error}", err=True)
    sys.exit(1 if failures else 0)


def ask(client: httpx.Client, group: list[Path], prompt: str, max_tokens: int | None) -> str:
    """One answer. Raises Refused with a sentence."""
    files = [
        ("image", (p.name, p.read_bytes(), mimetypes.guess_type(p.name)[0] or "image/octet-stream")) for p in group
    ]
    data = {"prompt": prompt} | ({"max_tokens": str(max_tokens)} if max_tokens else {})
    try:
        response = client.post("/v1/image/recognize", files=files, data=data)
    except httpx.ConnectError:
        raise Refused(
            f"Nothing answers at {client.base_url}. Is sightd running? Give its address with --url."
        ) from None
    except httpx.HTTPError as error:
        raise Refused(f"The connection to {client.base_url} failed: {error}.") from error
    if response.status_code != 200:
        raise Refused(reason(response))
    return str(response.json()["result"])


def reason(response: httpx.Response) -> str:
    """What a refusal says."""
    try:
        return f"{response.status_code}: {response.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code}: {response.text[:200]}"


def show(group: list[Path], answer: str, as_json: bool) -> None:
    """Print one answer, after the picture's name where there are several."""
    if as_json:
        click.echo(json.dumps({"pictures": [str(p) for p in group], "answer": answer}, ensure_ascii=False))
    else:
        click.echo(f"{', '.join(map(str, group))}: {answer}")
