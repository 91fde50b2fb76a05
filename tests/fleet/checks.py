"""What several tests look at."""

from __future__ import annotations

from typing import Any

import httpx

from .fleet import Fleet, Run

HELLO = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}


def untouched(fleet: Fleet, name: str) -> bool:
    """Whether a host has nothing of what the playbooks bring."""
    host = fleet.hosts[name]
    packages = host.run("dpkg-query", "-W", "sightd", "haproxy", "prometheus")
    return not packages.stdout and host.run("ls", "/srv/sightd").returncode != 0


def passed(run: Run) -> bool:
    """Whether a run had no failure; shows the end of what it said otherwise."""
    assert run.status == 0, run.said[-3000:]
    return True


def stopped(run: Run, said: str) -> bool:
    """Whether a run stopped with these words before it changed anything on a host."""
    assert run.status != 0
    assert said in run.said, run.said[-3000:]
    assert set(run.changed.values()) <= {0}, run.said[-3000:]
    return True


def answered_all(outcomes: dict[str, int]) -> bool:
    """Whether every request under load had a whole answer at once."""
    assert set(outcomes) == {"whole"}, outcomes
    return True


def ask(fleet: Fleet, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
    """The gateway's answer to a short question, with the newest key unless other headers are given."""
    sent = {"Authorization": f"Bearer {fleet.key}"} | (headers or {})
    return httpx.post(f"{fleet.url}/v1/chat/completions", json=HELLO, headers=sent, timeout=60, **options)


def metrics(fleet: Fleet, start: str) -> list[str]:
    """The lines of the gateway's metrics that start so."""
    text = httpx.get(f"http://{fleet.hosts['gate'].address}:8405/metrics", timeout=10).text
    return [line for line in text.splitlines() if line.startswith(start)]


def gateway_up(fleet: Fleet) -> list[str]:
    """The servers that the gateway sends requests to, in alphabetical order."""
    start = 'haproxy_server_status{proxy="sightd",server="'
    up = [line for line in metrics(fleet, start) if 'state="UP"' in line and line.endswith(" 1")]
    return sorted(line.removeprefix(start).partition('"')[0] for line in up)
