"""Limits of memory, on a systemd that has that controller."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..waiting import until
from .conftest import system_root
from .machine import Machine
from .service import INSTALL, begin, ready, since_now

LITTLE = "400M"
"""Enough for the front and the decoders, not for an engine."""
ENOUGH = "4G"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Machine]:
    """A booted Debian 12 in which limits of memory hold, with sightd installed."""
    booted = Machine(system_root(), tmp_path_factory.mktemp("limited"), "memory", memory=True)
    try:
        shutil.copy(package, booted.root / "root")
        booted.must(*INSTALL, f"/root/{package.name}")
        yield booted
    finally:
        booted.stop()


def test_too_little_memory_is_said(limited: Machine) -> None:
    """Under a MemoryMax that is too small the kernel ends the engine and nothing else; the journal says what to look at,
    and with more memory the service is there."""
    since = since_now(limited)
    begin(limited, f"MemoryMax={LITTLE}", no_block=True)
    said = "the engine ended with status -9 (killed; `journalctl -k` says whether memory ran out), 6 times in a row"
    until(lambda: said in limited.journal("--since", since, "-o", "cat"), 120, "the end of the tries")
    assert "was sent SIGKILL" not in limited.journal("--since", since, "-o", "cat")
    limited.run("systemctl", "stop", "sightd")
    begin(limited, f"MemoryMax={ENOUGH}")
    assert ready(limited)
