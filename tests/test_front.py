"""The HTTP front: quick to answer, honest about the model, free of torch, gone without a trace."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sightd.ending import Ending
from sightd.starting import Starting
from starlette.types import ASGIApp, Message

from .conftest import StartServer
from .server import READY_SECONDS, alive, children_running
from .waiting import until

HEAVY = {"torch", "transformers", "requests", "google.protobuf", "opentelemetry.sdk", "opentelemetry.exporter"}


def test_front_imports_nothing_heavy() -> None:
    """Importing all that the front's worker runs imports neither torch nor transformers, and nothing that only traces
    need."""
    code = "import sightd.daemon, sightd.worker, sightd.app, sightd.models.qwen_vl.plan"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "fastapi" in imported
    assert not imported & HEAVY


def test_running_front_holds_nothing_heavy(start_server: StartServer) -> None:
    """The serving front has no library of torch mapped, nor one that only traces need, also after it has answered a
    request."""
    server = start_server().wait_ready()
    server.client.post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": "hello"}]}
    ).raise_for_status()
    engines = children_running(server.process.pid, "sightd.engine.process")
    assert engines
    for pid in server.processes():
        maps = Path(f"/proc/{pid}/maps").read_text()
        assert ("libtorch" in maps) == (pid in engines)
        assert "google/_upb" not in maps or pid in engines


def test_alive_at_once_and_ready_after_warm_up(start_server: StartServer) -> None:
    """/livez answers within two seconds of the start while the model loads; /readyz is 503 until it has answered."""
    began = time.monotonic()
    server = start_server()
    until(lambda: server.status("/livez") == 200, 2.0, "/livez answers")
    assert time.monotonic() - began < 2.0
    early = server.client.get("/readyz")
    assert early.status_code == 503
    assert early.json()["status"] == "not ready"
    assert int(early.headers["Retry-After"]) > 0
    assert server.client.get("/health").status_code == 503
    refused = server.client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hello"}]})
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "model_not_ready"
    server.wait_ready()
    assert server.client.get("/health").json()["engines"][0]["state"] == "ready"
    events = [line["event"] for line in server.lines()]
    assert events.index("engine started") < events.index("model loaded") < events.index("engine ready")


def test_several_addresses(start_server: StartServer, tmp_path: Path) -> None:
    """Every address of server.bind answers."""
    other = tmp_path / "sightd.sock"
    server = start_server(["--bind", f"unix:{other}"])
    until(lambda: server.status("/livez") == 200, 10, "/livez answers")
    import httpx

    with httpx.Client(transport=httpx.HTTPTransport(uds=str(other)), base_url="http://sightd") as client:
        assert client.get("/livez").status_code == 200


def test_ends_with_its_children(start_server: StartServer) -> None:
    """SIGTERM ends the front, the engine and the decoders, with status 0."""
    server = start_server().wait_ready()
    family = server.processes()
    assert len(family) >= 5
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0
    until(lambda: not any(map(alive, family)), 5, "every process has ended")


def test_children_die_with_a_killed_front(start_server: StartServer) -> None:
    """When the whole front is killed, engine and decoders end by themselves."""
    server = start_server().wait_ready()
    family = server.processes()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    until(lambda: not any(map(alive, family[1:])), 15, "every child has ended")


def test_a_killed_engine_comes_back(start_server: StartServer) -> None:
    """An engine that is killed is started again, and readiness tells the truth meanwhile."""
    server = start_server().wait_ready()
    (engine,) = children_running(server.process.pid, "sightd.engine.process")
    os.kill(engine, signal.SIGKILL)
    until(lambda: server.status("/readyz") == 503, 5, "/readyz says 503")
    until(lambda: server.status("/readyz") == 200, READY_SECONDS, "/readyz says 200 again")
    assert server.client.get("/health").json()["engines"][0]["deaths"] == 1
    asked = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 3}
    server.client.post("/v1/chat/completions", json=asked).raise_for_status()
    assert server.client.get("/health").json()["engines"][0]["deaths"] == 0


def test_loading_on_demand(start_server: StartServer) -> None:
    """The model is loaded by the first request, unloaded when idle, and loaded again by the next one."""
    server = start_server(
        environment={"SIGHTD_MODEL__LOAD": "first_request", "SIGHTD_MODEL__UNLOAD_MINUTES": "0.02"}
    ).wait_ready()

    def loaded() -> list[int]:
        return children_running(server.process.pid, "sightd.engine.process")

    asked = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 3}
    for _ in range(2):
        until(lambda: not loaded(), 30, "no engine runs")
        assert server.client.get("/health").json()["engines"][0]["state"] == "unloaded"
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: server.client.post("/v1/chat/completions", json=asked), range(2)))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert loaded()


def test_a_taken_port_is_said(start_server: StartServer) -> None:
    """A port in use ends the start with a line that names it."""
    first = start_server()
    until(lambda: first.status("/livez") == 200, 10, "/livez answers")
    second = start_server(["--bind", f"127.0.0.1:{first.port}"])
    assert second.process.wait(30) != 0
    assert f"127.0.0.1', {first.port}" in second.log_path.read_text() or str(first.port) in second.log_path.read_text()


def test_a_missing_checkpoint_is_said(start_server: StartServer, tmp_path: Path) -> None:
    """A model folder that is none ends the start at once with a sentence that names the file."""
    server = start_server(["--model", str(tmp_path / "nowhere")])
    assert server.process.wait(30) == 78
    assert f"{tmp_path}/nowhere/config.json is missing" in server.log_path.read_text()


def test_application_that_does_not_start() -> None:
    """When the application cannot be made, the service ends with the reason, and /livez was answered until then."""
    ending, sent = Ending(1.0), list[Message]()

    def make() -> ASGIApp:
        raise RuntimeError("no such thing")

    async def send(message: Message) -> None:
        sent.append(message)

    async def live() -> None:
        asked = asyncio.Queue[Message]()
        asked.put_nowait({"type": "lifespan.startup"})
        starting = Starting(make, ending)
        await starting({"type": "http", "path": "/livez"}, asked.get, send)
        life = asyncio.create_task(starting({"type": "lifespan", "state": {}}, asked.get, send))
        while ending.began is None:  # noqa: ASYNC110 - a bound is pytest's; it has no event
            await asyncio.sleep(0)
        asked.put_nowait({"type": "lifespan.shutdown"})
        await life

    asyncio.run(live())
    assert "no such thing" in ending.failure
    assert [m.get("status", m["type"]) for m in sent] == [200, "http.response.body", "lifespan.startup.complete"]
