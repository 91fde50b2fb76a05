"""What an engine keeps in memory does not grow with the variety of what it is asked."""

from __future__ import annotations

from ..conftest import StartServer
from ..hostile.load import resources
from ..server import children_running

WARM, LONGEST = 100, 300


def test_prompts_of_ever_new_lengths_leave_memory_where_it_is(start_server: StartServer) -> None:
    """After the first hundred prompts, two hundred more of lengths that were not there before leave the engine's
    resident memory within 5 %."""
    server = start_server().wait_ready()
    [engine] = children_running(server.process.pid, "sightd.engine.process")
    after_warm = 0
    for words in range(1, LONGEST + 1):
        asked = {"messages": [{"role": "user", "content": "red " * words}], "max_tokens": 2}
        server.client.post("/v1/chat/completions", json=asked).raise_for_status()
        if words == WARM:
            after_warm = resources(engine).memory
    assert resources(engine).memory < 1.05 * after_warm
