"""What the gateway does with requests."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

import httpx

from ..waiting import until
from .checks import ask, gateway_up, metrics, passed
from .fleet import Fleet

TLS_PORT = 443
PER_10_SECONDS = 40


def by_prefix(fleet: Fleet) -> dict[str, int]:
    """How many answers each server gave to requests that named a prefix."""
    counted = {}
    for name in fleet.servers:
        start = f'haproxy_server_http_responses_total{{proxy="sightd_by_prefix",server="{name}",code="2xx"}}'
        (line,) = metrics(fleet, start)
        counted[name] = int(line.split()[-1])
    return counted


def gained(fleet: Fleet, before: dict[str, int]) -> dict[str, int]:
    """The same since then, of the servers that gave any."""
    return {name: count - before[name] for name, count in by_prefix(fleet).items() if count > before[name]}


def test_prefix_sticks(serving: Fleet) -> None:
    """Requests with the same prefix header go to the same server, those with different ones to different servers."""
    before = by_prefix(serving)
    for _ in range(4):
        assert ask(serving, {"X-Sightd-Prefix": "the same"}).status_code == 200
    assert list(gained(serving, before).values()) == [4]
    for number in range(16):
        assert ask(serving, {"X-Sightd-Prefix": f"other {number}"}).status_code == 200
    assert sorted(gained(serving, before)) == serving.servers


def test_retry_after_of_servers(serving: Fleet) -> None:
    """What a server says about when to come again reaches the client."""
    limited = {"Authorization": f"Bearer {serving.keys['limited']}"}
    answers = [ask(serving, limited) for _ in range(len(serving.servers) + 1)]
    assert answers[-1].status_code == 429, answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert "key" in answers[-1].text


def test_no_server(serving: Fleet) -> None:
    """Without a server the gateway says so itself, in the shapes of all endpoints, and when to come again."""
    try:
        for name in serving.servers:
            serving.tell_gateway(f"set server sightd/{name} state maint")
        answer = ask(serving)
    finally:
        for name in serving.servers:
            serving.tell_gateway(f"set server sightd/{name} state ready")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) == 5
    assert answer.json()["detail"] == answer.json()["error"]["message"]
    until(lambda: gateway_up(serving) == serving.servers, 20, "all servers at the gateway")


def test_metrics_are_not_for_clients(serving: Fleet) -> None:
    """The metrics of a server, which one is chance, are not shown at the gateway."""
    assert httpx.get(f"{serving.url}/metrics", timeout=10).status_code == 404


def certificate(fleet: Fleet, folder: Path) -> Path:
    """A certificate for the gateway's address, with its key, in one file."""
    file, key = folder / "certificate", folder / "key"
    address = fleet.hosts["gate"].address
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=gate", "-addext", f"subjectAltName=IP:{address}"]
    subprocess.run([*command, *names, "-out", file, "-keyout", key], check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


def test_tls_and_limits(serving: Fleet, tmp_path: Path) -> None:
    """Clients may speak TLS and HTTP/2; a request that is too large, and one of too many, are refused by the gateway. Only
    the gateway is touched by a run for its tag."""
    file = certificate(serving, tmp_path)
    serving.gateway = {
        "gateway_port": TLS_PORT,
        "gateway_tls": True,
        "gateway_certificate": file.read_text(),
        "gateway_request_bytes": 50000,
        "gateway_requests_per_10_seconds": PER_10_SECONDS,
    }
    try:
        run = serving.play("site", "--tags", "gateway")
        assert passed(run)
        assert [run.changed[name] for name in serving.servers] == [0] * len(serving.servers)
        until(lambda: gateway_up(serving) == serving.servers, 20, "all servers at the gateway")
        trust = ssl.create_default_context(cafile=file)
        trust.set_alpn_protocols(["h2", "http/1.1"])
        address = serving.hosts["gate"].address
        with (
            socket.create_connection((address, TLS_PORT), timeout=10) as plain,
            trust.wrap_socket(plain, server_hostname=address) as wrapped,
        ):
            assert wrapped.selected_alpn_protocol() == "h2"
        with httpx.Client(
            base_url=f"https://{address}", verify=ssl.create_default_context(cafile=file), timeout=60
        ) as client:
            client.headers["Authorization"] = f"Bearer {serving.key}"
            assert client.get("/v1/models").status_code == 200
            large = client.post("/v1/chat/completions", content=b" " * 50001)
            assert (large.status_code, large.json()["error"]["code"]) == (413, "request_too_large")
            last = [client.get("/livez") for _ in range(PER_10_SECONDS + 1)][-1]
            assert (last.status_code, last.headers["Retry-After"]) == (429, "10")
    finally:
        serving.gateway = {}
        assert passed(serving.play("site", "--tags", "gateway"))
    until(lambda: gateway_up(serving) == serving.servers, 20, "all servers at the gateway")
