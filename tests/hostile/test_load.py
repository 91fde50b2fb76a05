"""The hostile load in short: every attack twice, beside good requests."""

from __future__ import annotations

import asyncio

from ..server import Server
from .load import Load

CLOSING = 2
"""Connections of the last questions that may not be closed yet."""


def test_good_requests_beside_hostile_ones(server: Server) -> None:
    """Every good request gets its right answer, every attack the answer it should, and nothing is left over."""
    outcome = asyncio.run(Load(server.url, server.process.pid).run(0))
    assert outcome.wrong == []
    assert outcome.unexpected == []
    assert outcome.before is not None
    assert outcome.after is not None
    assert outcome.after.processes == outcome.before.processes
    assert outcome.after.descriptors <= outcome.before.descriptors + CLOSING
    deaths = server.client.get("/health").json()
    assert [engine["deaths"] for engine in deaths["engines"]] == [0]
