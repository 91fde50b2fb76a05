"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from .checkpoints import FAMILIES, make
from .generic import MODELS, make_generic
from .minicpm import make_minicpm
from .server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sightd with the embedded model for the whole session; its clients leave it as they found it."""
    running = Server(tmp_path_factory.mktemp("server"))
    try:
        yield running.wait_ready()
    finally:
        running.stop()


StartServer = Callable[..., Server]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers of a test's own and stops them at its end."""
    started: list[Server] = []

    def start(arguments: list[str] | None = None, environment: Mapping[str, str] | None = None) -> Server:
        started.append(Server(tmp_path, arguments, environment))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny random float32 checkpoint of every family, by model type."""
    root = tmp_path_factory.mktemp("checkpoints")
    return {family: make(family, root / family) for family in FAMILIES}


@pytest.fixture(scope="session")
def minicpm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny random float32 checkpoint of each MiniCPM 2.6, by model type."""
    root = tmp_path_factory.mktemp("minicpm")
    return {kind: make_minicpm(kind, root / kind) for kind in ("minicpmv", "minicpmo")}


@pytest.fixture(scope="session")
def generic(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny random float32 checkpoint of each architecture that transformers drives itself, by model type."""
    root = tmp_path_factory.mktemp("generic")
    return {kind: make_generic(kind, root / kind) for kind in MODELS}
