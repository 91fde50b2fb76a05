"""Clients that ask a gateway until a file is there, as a program of its own: `load.py URL KEY FILE CLIENTS`.

KEY is a file with the key to show, read again for every request. Every second client takes its answers as streams: one
that breaks after its beginning is asked for again, as the gateway cannot do that. Prints one JSON line at the end: the
number of outcomes of each kind.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from pathlib import Path

import httpx

from ..system.load import together

QUESTION = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 8, "ignore_eos": True}
STREAM = QUESTION | {"max_tokens": 48, "stream": True, "stream_options": {"include_usage": True}}
PAUSE = 0.2
"""Seconds between two requests of a client: hosts and Ansible share the cores."""
TRIES = 3


def outcome(client: httpx.Client, url: str, key: str, streams: bool) -> tuple[str, float]:
    """What came of one request, and the seconds after which the server says that it may be sent again."""
    body = STREAM if streams else QUESTION
    try:
        answer = client.post(f"{url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"})
    except httpx.TransportError as error:
        return f"{type(error).__name__}: {error}", 0
    text = "".join(answer.text.split())
    end = "data:[DONE]" if streams else "}"
    if answer.status_code == 200 and f'"completion_tokens":{body["max_tokens"]}' in text and text.endswith(end):
        return "whole", 0
    return f"{answer.status_code} {answer.text[:300]}", float(answer.headers.get("Retry-After", 0))


def ask(url: str, key: Path, end: Path, streams: bool) -> Counter[str]:
    """One client."""
    outcomes: Counter[str] = Counter()
    with httpx.Client(timeout=180) as client:
        while not end.exists():
            for left in reversed(range(TRIES if streams else 1)):
                said, pause = outcome(client, url, key.read_text(), streams)
                last = said == "whole" or not left
                outcomes[said if last else "asked again"] += 1
                time.sleep(PAUSE + pause)
                if last:
                    break
    return outcomes


def main() -> None:
    """Ask, then print what came of it."""
    url, key, end, clients = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    streams = itertools.cycle([False, True])
    together(clients, lambda: ask(url, key, end, next(streams)))


if __name__ == "__main__":
    main()
