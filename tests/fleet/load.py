"""Clients that ask a gateway until a file is there, as a program of its own: `load.py URL KEY FILE CLIENTS`.

KEY is a file with the key to show, read again for every request. Prints one JSON line at the end: the number of
outcomes of each kind.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import httpx

from ..system.load import together

QUESTION = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 8, "ignore_eos": True}
PAUSE = 0.2
"""Seconds between two requests of a client: hosts and Ansible share the cores."""


def ask(url: str, key: Path, end: Path) -> Counter[str]:
    """One client."""
    outcomes: Counter[str] = Counter()
    with httpx.Client(timeout=180) as client:
        while not end.exists():
            headers = {"Authorization": f"Bearer {key.read_text()}"}
            try:
                answer = client.post(f"{url}/v1/chat/completions", json=QUESTION, headers=headers)
                whole = answer.status_code == 200 and answer.json()["usage"]["completion_tokens"] == 8
                outcomes["whole" if whole else f"{answer.status_code} {answer.text[:300]}"] += 1
            except httpx.TransportError as error:
                outcomes[f"{type(error).__name__}: {error}"] += 1
            time.sleep(PAUSE)
    return outcomes


def main() -> None:
    """Ask, then print what came of it."""
    url, key, end, clients = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    together(clients, lambda: ask(url, key, end))


if __name__ == "__main__":
    main()
