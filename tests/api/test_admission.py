"""Places, and the queue for them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sightd.api.admission import Admission
from sightd.api.conversation import Conversation, Wishes
from sightd.api.weighing import places
from sightd.config.limits import Limits
from sightd.errors import Overloaded


class Request:
    """A request that holds its places until it is told to end."""

    def __init__(self, admission: Admission, weight: int = 1) -> None:
        self.began = False
        self._end = asyncio.Event()
        self._admission = admission
        self._weight = weight
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._admission.place(self._weight):
            self.began = True
            await self._end.wait()

    async def end(self) -> None:
        """Let go, and let others begin."""
        self._end.set()
        await self.task
        await settled()


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(test)


def test_first_come_first_served() -> None:
    """A heavy request waits for enough places and is not overtaken by the light ones behind it."""

    async def story() -> None:
        admission = Admission(4, 10)
        first, second = Request(admission, 2), Request(admission, 2)
        heavy, light = Request(admission, 3), Request(admission)
        await settled()
        assert [r.began for r in (first, second, heavy, light)] == [True, True, False, False]
        await first.end()
        assert not heavy.began
        assert not light.began
        await second.end()
        assert heavy.began
        assert light.began
        await heavy.end()
        await light.end()
        assert (admission.running, admission.waiting) == (0, 0)

    run(story())


def test_heavier_than_all_places() -> None:
    """A request that wants more places than there are runs alone."""

    async def story() -> None:
        admission = Admission(2, 10)
        light, giant, last = Request(admission), Request(admission, 5), Request(admission)
        await settled()
        assert [r.began for r in (light, giant, last)] == [True, False, False]
        await light.end()
        assert giant.began
        assert not last.began
        await giant.end()
        await last.end()

    run(story())


def test_a_waiter_that_goes_away() -> None:
    """A request that gives up in the queue leaves its turn to the next, and so does one that was just let in."""

    async def story() -> None:
        admission = Admission(1, 10)
        first, second, third = (Request(admission) for _ in range(3))
        await settled()
        second.task.cancel()
        await settled()
        assert admission.waiting == 1
        third.task.cancel()
        await first.end()
        assert (admission.running, admission.waiting) == (0, 0)
        late = Request(admission)
        await settled()
        assert late.began
        await late.end()

    run(story())


def test_full_queue() -> None:
    """With the queue full a request is refused with the seconds that the queue takes at the measured pace."""

    async def story() -> None:
        admission = Admission(2, 2)
        admission.service_seconds = 10.0
        held = [Request(admission) for _ in range(4)]
        await settled()
        with pytest.raises(Overloaded) as refused:
            async with admission.place():
                pass
        assert refused.value.headers == {"Retry-After": "15"}
        admission.resize(4, 2)
        await settled()
        assert all(request.began for request in held)
        for request in held:
            await request.end()

    run(story())


def test_first_measurement() -> None:
    """The first measured time takes the place of the second that is assumed before."""

    async def story() -> None:
        admission = Admission(1, 0)
        await Request(admission).end()
        assert admission.service_seconds < 0.5

    run(story())


def test_weights() -> None:
    """A question about a picture takes one place; long texts, several answers and videos take more."""
    limits = Limits(place_tokens=4096)
    question = Conversation(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}], [b""]
    )
    assert places(question, Wishes(), limits) == 1
    assert places(question, Wishes(n=16, max_tokens=1024), limits) == 5
    assert places(Conversation([{"role": "user", "content": "a" * 36864}]), Wishes(max_tokens=1), limits) == 4
    assert places(Conversation([], videos=[b""]), Wishes(max_tokens=1), limits) == 2
