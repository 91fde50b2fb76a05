"""`sightctl check`."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from ..server import Server, free_port, sightctl

HEALTHY: dict[str, Any] = {
    "status": "ok",
    "model": "a-model",
    "running": 1,
    "waiting": 0,
    "uptime_seconds": 5,
    "engines": [{"device": "cuda:0", "state": "ready", "detail": ""}],
    "decoders": {"counts": {"deaths": 0}},
}
DEAD = {"device": "cuda:1", "state": "failed", "detail": "the engine ended with status -9"}


def test_a_ready_server(server: Server) -> None:
    """A ready server is OK, with figures for graphs."""
    done = sightctl("check", "--url", server.url)
    assert done.returncode == 0
    assert done.stdout.startswith("SIGHTD OK - sightd-tiny-vl is ready")
    assert " | running=" in done.stdout


def test_no_server() -> None:
    """Nothing that answers is critical, and the line names the address."""
    url = f"http://127.0.0.1:{free_port()}"
    done = sightctl("check", "--url", url)
    assert done.returncode == 2
    assert done.stdout.startswith(f"SIGHTD CRITICAL - nothing answers at {url}")


@pytest.mark.parametrize(
    ("health", "status", "said"),
    [
        (HEALTHY, 0, "a-model is ready"),
        (HEALTHY | {"waiting": 10}, 1, "10 requests are waiting"),
        (HEALTHY | {"waiting": 50}, 2, "50 requests are waiting"),
        (HEALTHY | {"engines": [*HEALTHY["engines"], DEAD]}, 1, "cuda:1 is failed: the engine ended with status -9"),
        (HEALTHY | {"status": "unavailable", "engines": [DEAD]}, 2, "cuda:1 is failed"),
        ({"status": "up"}, 3, "is not sightd"),
    ],
)
def test_levels(health: dict[str, Any], status: int, said: str) -> None:
    """Queues, dead engines and strangers each have their level and sentence."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(health).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as stub:
        thread = Thread(target=stub.handle_request)
        thread.start()
        done = sightctl("check", "--url", f"http://127.0.0.1:{stub.server_port}")
        thread.join()
    assert done.returncode == status
    assert said in done.stdout
