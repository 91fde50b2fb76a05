"""Hosts that come, die and vanish."""

from __future__ import annotations

import json
import socket

from ..waiting import until
from .checks import answered_all, gateway_up, metrics, passed
from .fleet import Fleet

CLIENTS = 4
STREAMS = CLIENTS // 2
BODY = 3 * 2**20
"""More than the gateway can send twice."""
LONG = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2000, "ignore_eos": True}
"""A question whose answer takes longer than a host needs to vanish."""


def back(fleet: Fleet) -> bool:
    """Whether every server takes requests again; waits for it."""
    until(lambda: gateway_up(fleet) == fleet.servers, 90, "all servers at the gateway")
    return True


def works(fleet: Fleet, name: str) -> bool:
    """Whether the gateway waits for an answer of this server."""
    (line,) = metrics(fleet, f'haproxy_server_current_sessions{{proxy="sightd",server="{name}"}}')
    return not line.endswith(" 0")


def test_host_added(serving: Fleet) -> None:
    """A bare host that was written into the inventory serves after site.yml; the others are left alone."""
    old = serving.servers
    serving.boot("three", 14)
    run = serving.play("site")
    assert passed(run)
    assert [run.changed[name] for name in old] == [0] * len(old)
    assert back(serving)


def test_killed_service(serving: Fleet) -> None:
    """A service that is killed under load loses no request, and is at work again by itself."""
    assert back(serving)
    with serving.load(CLIENTS) as outcomes:
        until(lambda: works(serving, "one"), 30, "a server at work")
        serving.hosts["one"].must("systemctl", "kill", "-s", "KILL", "sightd")
        until(lambda: "one" not in gateway_up(serving), 20, "a gateway that has noticed")
        assert back(serving)
    assert outcomes.pop("asked again", 0) <= STREAMS
    assert answered_all(outcomes)


def test_last_server_is_not_drained(serving: Fleet) -> None:
    """A rollout that would leave too few servers at the gateway stops before it takes one away."""
    before = serving.versions
    with serving.other_bundle(serving.newer()):
        run = serving.play("rollout", extra={"sightd_others_up": len(serving.servers)})
    assert run.status != 0
    assert f"fewer than {len(serving.servers)} other servers are up" in run.said, run.said[-3000:]
    assert serving.versions == before
    assert gateway_up(serving) == serving.servers


def test_vanished_host(serving: Fleet) -> None:
    """A host that vanishes under load loses no request: the gateway asks another one, and clients themselves what had
    begun to stream. A report names the host; when it is there again, it works again."""
    assert back(serving)
    left = [name for name in serving.servers if name != "one"]
    with serving.load(CLIENTS) as outcomes:
        until(lambda: works(serving, "one"), 30, "a server at work")
        serving.hosts["one"].vanish()
        until(lambda: gateway_up(serving) == left, 60, "a gateway that has noticed")
    report = serving.play("report")
    serving.hosts["one"].appear()
    assert outcomes.pop("asked again", 0) <= STREAMS
    assert answered_all(outcomes)
    assert "one - - - silent" in report.said, report.said[-3000:]
    assert back(serving)


def head(fleet: Fleet, length: int) -> bytes:
    """The head of a request with a body of so many bytes."""
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: sightd", f"Authorization: Bearer {fleet.key}"]
    return "\r\n".join([*lines, "Content-Type: application/json", f"Content-Length: {length}", "", ""]).encode()


def test_body_that_comes_later(serving: Fleet) -> None:
    """A request whose body comes after its head is asked again of another server, too, when its server vanishes."""
    assert back(serving)
    others = [name for name in serving.servers if name != "one"]
    body = json.dumps(LONG).encode()
    try:
        for name in others:
            serving.tell_gateway(f"set server sightd/{name} state drain")
        with socket.create_connection((serving.hosts["gate"].address, 80), timeout=120) as client:
            client.sendall(head(serving, len(body)))
            # By the time of this answer the gateway has done with the head what it does.
            assert metrics(serving, "haproxy_frontend_current_sessions")
            client.sendall(body)
            until(lambda: works(serving, "one"), 10, "the request at its server")
            for name in others:
                serving.tell_gateway(f"set server sightd/{name} state ready")
            serving.hosts["one"].vanish()
            answer = client.recv(2**16).decode()
    finally:
        serving.hosts["one"].appear()
        for name in others:
            serving.tell_gateway(f"set server sightd/{name} state ready")
    assert answer.split()[1] == "200", answer
    assert back(serving)


def test_large_request_of_a_vanished_host(serving: Fleet) -> None:
    """A request that is too large to be sent twice, and whose server vanishes in the middle of it, is answered soon, with
    the time after which to send it again."""
    assert back(serving)
    others = [name for name in serving.servers if name != "one"]
    try:
        for name in others:
            serving.tell_gateway(f"set server sightd/{name} state drain")
        with socket.create_connection((serving.hosts["gate"].address, 80), timeout=60) as client:
            client.sendall(head(serving, BODY) + b" " * (BODY // 2))
            until(lambda: works(serving, "one"), 10, "the request at its server")
            serving.hosts["one"].vanish()
            client.sendall(b" " * (BODY - BODY // 2))
            answer = client.recv(2**16).decode()
    finally:
        serving.hosts["one"].appear()
        for name in others:
            serving.tell_gateway(f"set server sightd/{name} state ready")
    status = answer.split()[1]
    assert status in ("502", "503", "504"), answer
    assert "retry-after: " in answer.lower(), answer
    assert back(serving)
