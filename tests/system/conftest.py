"""The booted machine, shared by all tests of this folder, which run in the order in which they are written."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .machine import Machine

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package() -> Path:
    """The Debian package of sightd, as built."""
    (found,) = (TOP / "dist").glob("sightd_*_all.deb")
    return found


def system_root() -> Path:
    """The root directory of a Debian 12 with the runtime package."""
    root = Path(os.environ.get("SYSTEM_ROOT", TOP / "build" / "system-root"))
    assert root.is_dir(), f"{root} is missing: `make test-system` makes it"
    subprocess.run(["sh", "-c", "command -v systemd-nspawn nsenter"], check=True, stdout=subprocess.DEVNULL)
    return root


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian 12 with the runtime package and the tools that the tests use inside."""
    layers = f"{TOP / 'build' / 'system-layer'}:{system_root()}"
    booted = Machine(layers, tmp_path_factory.mktemp("machine"))
    try:
        yield booted
    finally:
        booted.stop()
