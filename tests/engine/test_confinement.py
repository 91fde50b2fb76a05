"""The confinement of engines on the CPU, tried from inside a running one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ..conftest import StartServer
from ..waiting import until

ROOT = Path(__file__).parents[2]


def test_escapes_from_an_engine(start_server: StartServer) -> None:
    """In every thread of an engine the network, programs, other processes and files that are not the model's are out of
    reach; /health says so, and the engine goes on."""
    paths = [Path(__file__).with_name("escaping"), ROOT, ROOT / "service"]
    server = start_server(environment={"PYTHONPATH": ":".join(map(str, paths))}).wait_ready()
    (engine,) = server.client.get("/health").json()["engines"]
    assert engine["info"]["sandbox"] == dict.fromkeys(("no_new_privs", "landlock", "seccomp"), "applied")
    body = {"messages": [{"role": "user", "content": "Hello."}], "seed": 777, "max_tokens": 4}
    assert server.client.post("/v1/chat/completions", json=body).status_code == 200
    until(lambda: any(line["event"] == "escapes" for line in server.lines()), 10, "the attempts' outcomes")
    (line,) = (line for line in server.lines() if line["event"] == "escapes")
    for thread in ("main", "thread"):
        assert len(line[thread]) == 15
        assert {name for name, error in line[thread].items() if not error} == set()
    assert server.client.get("/health").json()["engines"][0]["deaths"] == 0


def test_a_host_without_the_filter() -> None:
    """A layer that cannot be had is told by name with the reason, and the others hold."""
    program = (
        "import json, sys; sys.modules['pyseccomp'] = None\n"
        "from pathlib import Path\n"
        "from sightd.engine.confinement import Confinement\n"
        "made = Confinement(); made.begin(Path('/usr')); made.complete()\n"
        "sys.stdout.write(json.dumps(made.layers))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert '"landlock": "applied"' in done.stdout
    assert "pyseccomp" in done.stdout
