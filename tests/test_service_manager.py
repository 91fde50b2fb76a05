"""What systemd is told, and what its requests to reload and to stop do; a socket of the test's stands for systemd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import SIGHTD, Server, clean_environment
from .waiting import until

CHAT = "/v1/chat/completions"
LONG = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 400, "ignore_eos": True, "stream": True}


class Manager:
    """Receives what a service tells its manager."""

    def __init__(self, path: Path) -> None:
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._end.bind(str(path))
        self._end.setblocking(False)
        self._said: list[str] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        address: str = self._end.getsockname()
        return address

    def close(self) -> None:
        """Listen no more."""
        self._end.close()

    def said(self) -> list[str]:
        """All lines so far."""
        while True:
            try:
                self._said += self._end.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self._said


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """The socket that the service of this module is started with."""
    made = Manager(tmp_path_factory.mktemp("manager") / "notify")
    yield made
    made.close()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration file of the service of this module."""
    file = tmp_path_factory.mktemp("config") / "sightd.toml"
    file.write_text("[limits]\nqueue = 1\n")
    return file


@pytest.fixture(scope="module")
def service(manager: Manager, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sightd for this module; the last test stops it."""
    folder = tmp_path_factory.mktemp("service")
    started = Server(folder, ["--config", str(config)], {"NOTIFY_SOCKET": manager.address})
    yield started
    started.stop()


def queue_of(service: Server) -> int:
    """The limit that the tests change."""
    queue: int = service.client.get("/capabilities").json()["limits"]["queue"]
    return queue


def test_ready_means_ready(service: Server, manager: Manager) -> None:
    """Systemd is told what is done while the model loads, that it may take longer, and that the service is ready only
    when it is; gunicorn, which would say so earlier, does not get a word in."""
    until(lambda: any(line.startswith("STATUS=No engine is ready") for line in manager.said()), 60, "a status")
    assert "READY=1" not in manager.said()
    service.wait_ready()
    until(lambda: "READY=1" in manager.said(), 10, "READY=1")
    assert any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in manager.said())
    assert not any("unicorn" in line for line in manager.said())


def test_an_idle_engine_feeds_the_watchdog(service: Server, manager: Manager) -> None:
    """Without requests, signs to the watchdog go on."""
    service.wait_ready()
    before = manager.said().count("WATCHDOG=1")
    until(lambda: manager.said().count("WATCHDOG=1") > before + 1, 20, "two more signs")


def test_reload_takes_limits_and_origins(service: Server, config: Path) -> None:
    """SIGHUP takes new limits and origins, and says which other settings take a restart."""
    service.wait_ready()
    config.write_text('[limits]\nqueue = 2\n[cors]\norigins = ["http://page.example"]\n[engine]\nmax_sequences = 3\n')
    os.kill(service.process.pid, signal.SIGHUP)
    until(lambda: queue_of(service) == 2, 10, "the new limit")
    answer = service.client.get("/v1/models", headers={"Origin": "http://page.example"})
    assert answer.headers["access-control-allow-origin"] == "http://page.example"
    (line,) = [line for line in service.lines() if line["event"] == "some changed settings take a restart"]
    assert line["settings"] == ["engine.max_sequences"]


def test_broken_reload_changes_nothing(service: Server, config: Path) -> None:
    """A broken configuration is refused as a whole, with its problems in the log."""
    service.wait_ready()
    config.write_text("[limits]\nqueue = 3\nconcurrency = 0\n")
    os.kill(service.process.pid, signal.SIGHUP)

    def refusals() -> list[str]:
        return [str(line["problems"]) for line in service.lines() if "not reloaded" in line["event"]]

    until(refusals, 10, "the complaint")
    assert "limits.concurrency = 0" in refusals()[0]
    assert queue_of(service) == 2


def test_stop_lets_requests_finish(service: Server, manager: Manager) -> None:
    """After SIGTERM a stream under way goes on to its end, new requests get 503 with Retry-After, and readiness ends."""
    service.wait_ready()
    with service.client.stream("POST", CHAT, json=LONG) as stream:
        lines = stream.iter_lines()
        next(lines)
        service.process.send_signal(signal.SIGTERM)
        until(lambda: service.status("/readyz") == 503, 10, "/readyz says 503")
        refused = service.client.post(CHAT, json=LONG)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["Connection"] == "close"
        assert service.status("/livez") == 200
        assert "data: [DONE]" in list(lines)
    assert service.process.wait(30) == 0
    assert "STOPPING=1" in manager.said()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check-config"], ["STATUS=sightd cannot start: {file}: limits.queu = 1: is not known"]),
        (["--bind", "127.0.0.1:{port}"], ["STATUS=sightd cannot start: server.bind: 127.0.0.1:{port}: the port"]),
        (["check-config", "--files-only"], []),
    ],
    ids=["configuration", "port", "reload"],
)
def test_a_refusal_is_the_status(tmp_path: Path, arguments: list[str], said: list[str]) -> None:
    """Whatever refuses a start is the unit's status in one line; why a reload is refused is not, as the service goes on."""
    manager, file = Manager(tmp_path / "notify"), tmp_path / "sightd.toml"
    file.write_text("" if "--bind" in arguments else "[limits]\nqueu = 1\nqueue = -1\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {"file": file, "port": taken.getsockname()[1]}
        command = [SIGHTD, "--config", str(file), *(argument.format(**names) for argument in arguments)]
        environment = clean_environment({"NOTIFY_SOCKET": manager.address})
        assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode != 0
    wanted = [line.format(**names) for line in said]
    assert [line[: len(start)] for line, start in zip(manager.said(), wanted, strict=True)] == wanted
    manager.close()
