"""`make fairness`: what a video of 64 frames does to the time between the tokens of answers that are under way."""

from __future__ import annotations

import asyncio
import base64
import json
import statistics
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx

from ..clips import video
from ..measuring import Figures, measured
from ..pictures import noise
from ..server import Server

ANSWERS, TOKENS, FRAMES, SIDE = 4, 192, 64, 224
STRETCH = 3.0
"""How many times its quiet value the median time between tokens may become beside the video."""
SETTINGS = {"SIGHTD_LIMITS__VIDEO_FRAMES": str(FRAMES)}


@dataclass
class Gaps:
    """Seconds between the tokens of answers, by whether a video was being worked on; seconds until each video had its
    first token, and tokens of its prompt."""

    quiet: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    videos: list[tuple[float, int]] = field(default_factory=list)
    working: bool = False


async def stream(client: httpx.AsyncClient, content: Any, most: int, gaps: Gaps | None) -> tuple[float, int]:
    """Ask; note the time between tokens. Returns the seconds to the first token and the tokens of the prompt."""
    # Every token has text of its own, so that each comes in a chunk, whatever the checkpoint.
    letters = (await client.post("/tokenize", json={"prompt": "a b c d"})).json()["tokens"]
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": most, "allowed_token_ids": letters}
    body |= {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0}
    began, times, prompt = time.monotonic(), [], 0
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line.removeprefix("data: "))
            prompt = (event.get("usage") or {}).get("prompt_tokens", prompt)
            if any(choice["delta"].get("content") for choice in event["choices"]):
                times.append(time.monotonic())
                if gaps is not None and len(times) > 1:
                    (gaps.beside if gaps.working else gaps.quiet).append(times[-1] - times[-2])
    assert all(a <= b for a, b in pairwise(times))
    return times[0] - began, prompt


def clip(number: int) -> list[dict[str, Any]]:
    """A question about a video of its own."""
    frames = [noise(1000 * number + i, (SIDE, SIDE)) for i in range(FRAMES)]
    url = f"data:video/mp4;base64,{base64.b64encode(video(frames, rate=2)).decode()}"
    return [{"type": "video_url", "video_url": {"url": url}}, {"type": "text", "text": "What happens?"}]


async def measure(server: Server, seconds: float) -> Figures:
    """Rounds of answers, in every second of which a video comes when they are under way."""
    gaps, end, number = Gaps(), time.monotonic() + seconds, 0
    async with httpx.AsyncClient(base_url=server.url, timeout=600) as client:
        await stream(client, clip(number), 1, None)
        while time.monotonic() < end or not gaps.beside:
            number += 1
            answers = [
                asyncio.create_task(stream(client, f"Count to {number * ANSWERS + i}.", TOKENS, gaps))
                for i in range(ANSWERS)
            ]
            content = clip(number)
            if number % 2 == 0:
                await asyncio.sleep(0.5)
                gaps.working = True
                gaps.videos.append(await stream(client, content, 1, None))
                gaps.working = False
            await asyncio.gather(*answers)
    return figures(gaps)


def figures(gaps: Gaps) -> Figures:
    """The lines of the report, and the rules that were broken."""
    quiet, beside = statistics.median(gaps.quiet), statistics.median(gaps.beside)
    slowest = statistics.quantiles(gaps.beside, n=20)[-1]
    waited = statistics.median(seconds for seconds, _ in gaps.videos)
    lines = [
        f"{ANSWERS} answers at a time: {1000 * quiet:.1f} ms between tokens (median of {len(gaps.quiet)})",
        (
            f"beside a video of {FRAMES} frames ({gaps.videos[0][1]} tokens, {waited:.1f} s to its first): "
            f"{1000 * beside:.1f} ms (median of {len(gaps.beside)}, 95 % under {1000 * slowest:.1f} ms), "
            f"{beside / quiet:.2f} times"
        ),
    ]
    return lines, ["tokens come too slowly beside a video"] if beside > STRETCH * quiet else []


if __name__ == "__main__":
    measured("make fairness", 1.0, measure, SETTINGS)
