"""Noticing that the machine's clock was set."""

from __future__ import annotations

import time

import pytest
from sightd.clock import Clock


@pytest.mark.parametrize("seconds", [86_400, -3_600])
def test_a_set_clock_is_noticed_once(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By how much the clock was set, forward or back, is told once."""
    clock, real = Clock(), time.time
    assert clock.jumped() == 0.0
    monkeypatch.setattr(time, "time", lambda: real() + seconds)
    assert clock.jumped() == pytest.approx(seconds, abs=1)
    assert clock.jumped() == 0.0


def test_keeping_the_time_is_no_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is corrected bit by bit was not set, however far that goes."""
    clock, real = Clock(), time.time
    for step in range(1, 6):
        monkeypatch.setattr(time, "time", lambda ahead=step: real() + ahead)
        assert clock.jumped() == 0.0
