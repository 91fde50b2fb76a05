"""Engines die, hang and are stopped under load; clients do not notice."""

from __future__ import annotations

import json
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sightd.engine.protocol import Frames, Sampling, Submission
from sightd.engine.quarantine import Quarantine
from sightd.errors import Unprocessable

from ..conftest import StartServer
from ..pictures import data_uri, encoded, noise
from ..server import Server, children_running
from ..waiting import until

PATH = "/v1/chat/completions"
TOKENS = 60


def ask(server: Server, number: int) -> str:
    """A question about a picture of its own; every second answer is streamed."""
    picture = {"type": "image_url", "image_url": {"url": data_uri(encoded(noise(number, (160, 120))))}}
    content = [picture, {"type": "text", "text": f"What is this, number {number}?"}]
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": TOKENS, "ignore_eos": True}
    if number % 2:
        return str(server.client.post(PATH, json=body).raise_for_status().json()["choices"][0]["message"]["content"])
    with server.client.stream("POST", PATH, json=body | {"stream": True}) as response:
        response.raise_for_status()
        events = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {")]
    assert not any("error" in event for event in events), events
    return "".join(event["choices"][0]["delta"].get("content", "") for event in events)


def engine_of(server: Server) -> int:
    """The engine's process id."""
    (engine,) = children_running(server.process.pid, "sightd.engine.process")
    return engine


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_no_client_sees_a_failure(
    how: signal.Signals, start_server: StartServer, tiny_checkpoints: dict[str, Path]
) -> None:
    """When the engine is killed or stopped under load, every answer, streamed or not, is that of an undisturbed run."""
    server = start_server(
        ["--model", str(tiny_checkpoints["qwen3_vl"])], {"SIGHTD_ENGINE__HANG_SECONDS": "5"}
    ).wait_ready()
    expected = [ask(server, number) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(ask, server, number) for number in range(6)]
        until(lambda: server.client.get("/health").json()["engines"][0]["requests"] >= 4, 30, "requests run")
        first = engine_of(server)
        os.kill(first, how)
        until(
            lambda: children_running(server.process.pid, "sightd.engine.process") not in ([], [first]),
            60,
            "a new engine",
        )
        assert [answer.result() for answer in answers] == expected


def test_a_raised_device_error(start_server: StartServer, tiny_checkpoints: dict[str, Path]) -> None:
    """When the device's memory runs out in the middle of a step, the engine logs the error and ends, a fresh one goes
    on, and no client sees a failure."""
    server = start_server(["--model", str(tiny_checkpoints["qwen3_vl"])]).wait_ready()
    expected = [ask(server, number) for number in range(10, 14)]
    engine = engine_of(server)
    used = int(Path(f"/proc/{engine}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(engine, resource.RLIMIT_AS, (used, used))
    with ThreadPoolExecutor(4) as pool:
        answers = [answer.result() for answer in [pool.submit(ask, server, number) for number in range(20, 24)]]
    assert all(answers)
    until(lambda: engine_of(server) != engine, 60, "a new engine")
    assert [ask(server, number) for number in range(10, 14)] == expected
    (failure,) = [line for line in server.lines() if line["event"] == "engine failed in a step"]
    assert "memory" in failure["exception"].lower()


def test_an_engine_that_keeps_dying_stays_down(start_server: StartServer) -> None:
    """After repeated deaths with no answer between them the engine is left alone, and readiness says why."""
    server = start_server().wait_ready()

    def kill() -> bool:
        for engine in children_running(server.process.pid, "sightd.engine.process"):
            os.kill(engine, signal.SIGKILL)
        state = server.client.get("/health").json()["engines"][0]
        return bool(state["state"] == "failed")

    until(kill, 120, "the engine is given up")
    reason = server.client.get("/readyz").json()["reason"]
    assert "times in a row" in reason
    refused = server.client.post(PATH, json={"messages": [{"role": "user", "content": "hello"}]})
    assert refused.status_code == 503
    assert httpx.get(f"{server.url}/livez").status_code == 200


def test_a_deadly_request_is_found(start_server: StartServer, tiny_checkpoints: dict[str, Path]) -> None:
    """A request that engines die of is the only one that fails, whatever runs beside it, and is not tried again."""
    server = start_server(
        ["--model", str(tiny_checkpoints["qwen3_vl"])], {"PYTHONPATH": str(Path(__file__).with_name("deadly"))}
    ).wait_ready()
    expected = [ask(server, number) for number in range(4)]
    deadly = {"messages": [{"role": "user", "content": "Hello."}], "seed": 666}
    with ThreadPoolExecutor(5) as pool:
        refused = pool.submit(server.client.post, PATH, json=deadly)
        answers = [pool.submit(ask, server, number) for number in range(4)]
        assert [answer.result() for answer in answers] == expected
        assert (refused.result().status_code, refused.result().json()["error"]["code"]) == (422, "quarantined_request")
    until(lambda: server.client.get("/readyz").status_code == 200, 60, "readiness")
    engine = engine_of(server)
    assert server.client.post(PATH, json=deadly).status_code == 422
    assert engine_of(server) == engine


def submission(*media: Frames) -> Submission:
    """A request about these."""
    return Submission(1, [1, 2, 3], Sampling(1), media=list(media))


def test_a_deadly_picture_is_quarantined() -> None:
    """What was alone in the encoder at two deaths is refused; company at one of them, and what passed since, is not."""
    one, two = Frames(b"1", 1, 32, 32), Frames(b"2", 1, 32, 32)
    kept = Quarantine()
    kept.blame([one.digest, two.digest])
    kept.check(submission(one, two))
    assert kept.suspects(one.digest)
    assert kept.suspects(two.digest)
    kept.absolve([two.digest])
    assert not kept.suspects(two.digest)
    kept.blame([one.digest])
    with pytest.raises(Unprocessable):
        kept.check(submission(two, one))
    kept.blame([two.digest])
    kept.check(submission(two))
