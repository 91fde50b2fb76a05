"""Several devices: requests are spread, and what begins alike goes where it is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..conftest import StartServer
from ..pictures import data_uri, encoded, noise
from ..server import Server
from ..waiting import until


def ask(server: Server, picture: int, number: int) -> str:
    """Ask about a picture. Returns the device that answered, from the log."""
    part = {"type": "image_url", "image_url": {"url": data_uri(encoded(noise(picture, (96, 96))))}}
    content = [part, {"type": "text", "text": f"Question {number}"}]
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 8, "ignore_eos": True}
    name = f"ask-{picture}-{number}"
    server.client.post("/v1/chat/completions", json=body, headers={"X-Request-ID": name}).raise_for_status()
    device: str = server.request_line(name)["device"]
    return device


def test_two_engines(start_server: StartServer, tiny_checkpoints: dict[str, Path]) -> None:
    """Both of two engines get work when much is asked, and /health counts what their caches spared: a second question
    about a picture finds it encoded. Engines that share a device have names of their own, in the log, in /health and in
    /metrics, where no figure is given twice."""
    server = start_server(
        ["--model", str(tiny_checkpoints["qwen3_vl"])],
        {"SIGHTD_ENGINE__DEVICES": "cpu,cpu", "SIGHTD_ENGINE__THREADS": "1"},
    )
    until(lambda: all_ready(server), 180, "both engines are ready")
    with ThreadPoolExecutor(8) as pool:
        asked = set(pool.map(lambda n: ask(server, n, 0), range(8)))
    for picture in range(4):
        ask(server, picture, 1)
    until(lambda: total(server, "media") == 14, 10, "all are counted")
    assert total(server, "media_found") == 4
    assert total(server, "prefix_tokens_found") > 0
    assert all(engine["counts"]["media"] > 1 for engine in engines(server))
    assert asked == {engine["device"] for engine in engines(server)} == {"cpu#0", "cpu#1"}
    figures = [line.rpartition(" ")[0] for line in server.client.get("/metrics").text.splitlines() if line[0] != "#"]
    assert len(set(figures)) == len(figures)


def engines(server: Server) -> list[dict[str, dict[str, int]]]:
    """What /health says of the engines."""
    found: list[dict[str, dict[str, int]]] = server.client.get("/health").json()["engines"]
    return found


def all_ready(server: Server) -> bool:
    """Whether every engine is ready."""
    return server.status("/livez") == 200 and all(engine["state"] == "ready" for engine in engines(server))


def total(server: Server, name: str) -> int:
    """One count, of all engines."""
    return sum(engine["counts"][name] for engine in engines(server))
