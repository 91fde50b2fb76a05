"""Clients that ask all the time, as a program of its own: `python -m tests.system.load URL SECONDS CLIENTS`.

Ends with one JSON line: the number of answers by status, and the errors of connections. With `tokens` as a fourth
argument, each client asks one long question only.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx


def ask(url: str, seconds: float, tokens: int) -> Counter[str]:
    """One client."""
    outcomes: Counter[str] = Counter()
    deadline = time.monotonic() + seconds
    body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": tokens or 4, "ignore_eos": True}
    with httpx.Client(timeout=60) as client:
        while time.monotonic() < deadline:
            try:
                answer = client.post(f"{url}/v1/chat/completions", json=body)
                used = answer.json().get("usage", {}).get("completion_tokens")
                cut = answer.status_code == 200 and used != body["max_tokens"]
                outcomes[f"{answer.status_code}{' cut' * cut}"] += 1
            except (httpx.TransportError, json.JSONDecodeError) as error:
                outcomes[type(error).__name__] += 1
            if tokens:
                break
    return outcomes


def together(clients: int, client: Callable[[], Counter[str]]) -> None:
    """So many clients at once; then print what came of it all."""
    with ThreadPoolExecutor(clients) as pool:
        outcomes = sum(pool.map(lambda _: client(), range(clients)), Counter())
    print(json.dumps(outcomes))


def main() -> None:
    """Ask, then print what came of it."""
    url, seconds, clients, tokens = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    together(clients, lambda: ask(url, seconds, tokens))


if __name__ == "__main__":
    main()
