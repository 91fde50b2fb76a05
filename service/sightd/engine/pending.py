"""The requests that an engine works on, as the front keeps them: what to submit again after it died, and whom to blame.

A request that was under way at two deaths in a row without getting on between them is suspected. As long as there are
suspects they go to the engine one after another, each when the one before it has got on, and nothing else goes; the one
that is being tried when the engine dies is to blame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import SightdError
from .protocol import Progress, Submission

SUSPICIOUS = 2
"""Deaths without progress between them after which a request is suspected."""


@dataclass
class Pending:
    """A request under way: what was submitted, its memory files, the tokens so far, where its reader waits, whether the
    engine has it, and the deaths that it was under way at since it last got on."""

    request: Submission
    descriptors: list[int]
    produced: list[int] = field(default_factory=list)
    progress: asyncio.Queue[Progress | SightdError] = field(default_factory=asyncio.Queue)
    submitted: bool = False
    deaths: int = 0

    @property
    def suspected(self) -> bool:
        """Whether the engine may be dying of it."""
        return self.deaths >= SUSPICIOUS

    def got_on(self, tokens: list[int]) -> None:
        """It has brought these: it is not what the engine dies of."""
        self.produced += tokens
        if tokens:
            self.deaths = 0


class PendingRequests:
    """Requests by id, in the order in which they came."""

    def __init__(self) -> None:
        self._all: dict[int, Pending] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Pending]:
        return iter(list(self._all.values()))

    def get(self, number: int) -> Pending | None:
        """The request of this id, unless it is over."""
        return self._all.get(number)

    def add(self, pending: Pending) -> None:
        """Take a request in."""
        self._all[pending.request.id] = pending

    def remove(self, number: int) -> Pending | None:
        """Forget a request; None when it was forgotten already."""
        return self._all.pop(number, None)

    def due(self, proven: bool) -> list[Pending]:
        """Those that the engine is to be given now. Suspects are tried on an engine that is `proven` to answer."""
        waiting = [pending for pending in self if not pending.submitted]
        suspects = [pending for pending in self if pending.suspected]
        if not suspects:
            return waiting
        return suspects[:1] if proven and not any(suspect.submitted for suspect in suspects) else []

    def died(self) -> Pending | None:
        """The engine died and has nothing now. The request that is to blame, if there is one."""
        guilty = next((pending for pending in self if pending.submitted and pending.suspected), None)
        for pending in self:
            pending.deaths += pending.submitted
            pending.submitted = False
        return guilty
