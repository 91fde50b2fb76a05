"""Clients that ask a gateway until a file is there, as a program of its own: `load.py URL KEYS FILE CLIENTS`.

KEYS is a file with a key in each line; clients take turns with them, and read it again for every request. Prints one
JSON line at the end: the number of outcomes of each kind.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

QUESTION = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 8, "ignore_eos": True}
PAUSE = 0.2
"""Seconds between two requests of a client: hosts and Ansible share the cores."""


def ask(url: str, keys: Path, end: Path, number: int) -> Counter[str]:
    """One client."""
    outcomes: Counter[str] = Counter()
    with httpx.Client(timeout=180) as client:
        while not end.exists():
            choice = keys.read_text().split()
            key = choice[(sum(outcomes.values()) + number) % len(choice)]
            try:
                answer = client.post(
                    f"{url}/v1/chat/completions", json=QUESTION, headers={"Authorization": f"Bearer {key}"}
                )
                whole = answer.status_code == 200 and answer.json()["usage"]["completion_tokens"] == 8
                outcomes["whole" if whole else f"{answer.status_code} {answer.text[:300]}"] += 1
            except httpx.TransportError as error:
                outcomes[f"{type(error).__name__}: {error}"] += 1
            time.sleep(PAUSE)
    return outcomes


def main() -> None:
    """Ask, then print what came of it."""
    url, keys, end, clients = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    with ThreadPoolExecutor(clients) as pool:
        outcomes = sum(pool.map(lambda number: ask(url, keys, end, number), range(clients)), Counter())
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
