"""The fleet, shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .fleet import Fleet


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two bare servers and a bare gateway, booted, and a bundle."""
    made = Fleet(tmp_path_factory.mktemp("fleet"))
    try:
        for number, name in enumerate(("one", "two", "gate"), start=11):
            made.boot(name, number)
        made.carry("0.1.0")
        yield made
    finally:
        made.close()


@pytest.fixture
def serving(fleet: Fleet) -> Fleet:
    """The fleet with every server answering: site.yml is run where that has not been done."""
    if not all(fleet.versions.values()):
        run = fleet.play("site")
        assert run.status == 0, run.said[-3000:]
    return fleet
