"""The load generator: streamed chat requests, so many at a time (closed loop) or so many a second (open loop)."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from .pictures import picture


@dataclass(frozen=True)
class Plan:
    """What is asked, of whom, and how often. With `rate` (requests a second), requests arrive at random times whatever
    the server does; without it, `concurrency` of them are always under way."""

    url: str
    model: str
    requests: int
    concurrency: int = 1
    rate: float | None = None
    max_tokens: int = 64
    prompt: str = "Describe the picture."
    pictures: int = 1
    size: tuple[int, int] = (448, 448)
    distinct: bool = True
    ignore_eos: bool = False
    key: str | None = None
    timeout: float = 600.0

    def body(self, number: int) -> dict[str, Any]:
        """Request number `number`."""
        first = number * self.pictures if self.distinct else 0
        parts: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": picture(first + i, *self.size)}} for i in range(self.pictures)
        ]
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": [*parts, {"type": "text", "text": self.prompt}]}],
            "max_tokens": self.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return body | ({"ignore_eos": True} if self.ignore_eos else {})


@dataclass
class Outcome:
    """One request: seconds on the monotonic clock when it was sent and when each piece of text came, the tokens that
    the server counted (or the pieces, where it did not), and what went wrong."""

    sent: float
    pieces: list[float] = field(default_factory=list)
    tokens: int = 0
    ended: float = 0.0
    error: str | None = None


async def run(plan: Plan, done: Callable[[Outcome], None]) -> list[Outcome]:
    """Send all requests of a plan; `done` is called with each as it ends. Bodies are made before the first is sent."""
    bodies = [plan.body(number) for number in range(plan.requests)]
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    headers = {"Authorization": f"Bearer {plan.key}"} if plan.key else {}
    places = asyncio.Semaphore(plan.requests if plan.rate else plan.concurrency)
    async with httpx.AsyncClient(timeout=plan.timeout, limits=limits, headers=headers) as client:

        async def one(body: dict[str, Any]) -> Outcome:
            async with places:
                outcome = await ask(client, plan.url, body)
            done(outcome)
            return outcome

        tasks = [asyncio.ensure_future(one(body)) async for body in arriving(plan, bodies)]
        return await asyncio.gather(*tasks)


async def arriving(plan: Plan, bodies: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """The bodies, at once or at the random times of a Poisson process."""
    rng = random.Random(1)
    for body in bodies:
        yield body
        if plan.rate:
            await asyncio.sleep(rng.expovariate(plan.rate))


async def ask(client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> Outcome:
    """One streamed request."""
    outcome = Outcome(time.monotonic())
    try:
        async with client.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
            if response.status_code != 200:
                outcome.error = f"{response.status_code}: {(await response.aread())[:200].decode(errors='replace')}"
            async for line in response.aiter_lines():
                take(outcome, line)
    except httpx.HTTPError as error:
        outcome.error = f"{type(error).__name__}: {error}"
    outcome.ended = time.monotonic()
    # A random checkpoint's tokens may have no text.
    if outcome.error is None and not outcome.pieces and not outcome.tokens:
        outcome.error = "the answer was empty"
    return outcome


def take(outcome: Outcome, line: str) -> None:
    """One line of a stream."""
    if not line.startswith("data: {"):
        return
    event = json.loads(line.removeprefix("data: "))
    if "error" in event:
        outcome.error = str(event["error"])[:200]
    for choice in event.get("choices") or []:
        if (choice.get("delta") or {}).get("content"):
            outcome.pieces.append(time.monotonic())
            outcome.tokens += 1
    if event.get("usage"):
        outcome.tokens = event["usage"]["completion_tokens"]
