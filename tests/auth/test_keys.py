"""Keys: made and revoked by sightctl, asked for by the server, each with its own rights and limits."""

from __future__ import annotations

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sightd.auth.keys import load

from ..conftest import StartServer
from ..pictures import encoded, shape
from ..server import Server, sightctl
from ..waiting import until

PATH = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4, "ignore_eos": True}
LONG = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 600, "ignore_eos": True}


def add(file: Path, name: str, *options: str) -> str:
    """Make a key with sightctl. Returns the key."""
    made = sightctl("keys", "add", name, "--file", str(file), *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def guarded(start_server: StartServer, file: Path) -> Server:
    """A ready server with these keys."""
    return start_server(environment={"SIGHTD_AUTH__KEYS_FILE": str(file)}).wait_ready()


def post(server: Server, key: str | None, body: object = HELLO, path: str = PATH) -> httpx.Response:
    """Ask with a key."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return server.client.post(path, json=body, headers=headers)


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    """A key is shown once and stored as a hash in a file for its owner alone; names are unique, and revoking takes one
    away."""
    file = tmp_path / "keys.json"
    key = add(file, "lab", "--expires", "30d", "--concurrency", "2")
    assert key.startswith("sk-sightd-")
    assert key not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert sightctl("keys", "add", "lab", "--file", str(file)).returncode == 1
    assert "lab" in sightctl("keys", "list", "--file", str(file)).stdout
    assert sightctl("keys", "revoke", "nobody", "--file", str(file)).returncode == 1
    assert sightctl("keys", "revoke", "lab", "--file", str(file)).returncode == 0
    assert load(file).keys == []


def test_who_may_call(start_server: StartServer, tmp_path: Path) -> None:
    """Without a key, with a wrong or an expired one the answer is 401, for a forbidden endpoint 403, each in its
    family's shape; either header takes the key; probes and documentation need none."""
    file = tmp_path / "keys.json"
    key, old = add(file, "lab"), add(file, "old", "--expires", "2020-01-01")
    pictures = add(file, "pictures", "--endpoint", "/v1/image/*")
    server = guarded(start_server, file)
    assert post(server, key).status_code == 200
    assert server.client.post(PATH, json=HELLO, headers={"X-API-Key": key}).status_code == 200
    for wrong in (None, "sk-wrong", old):
        refused = post(server, wrong)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert set(refused.json()["error"]) == {"message", "type", "param", "code"}
    assert post(server, pictures).status_code == 403
    image = {"image": ("a.png", encoded(shape("ellipse", "red")), "image/png")}
    asked = {"data": {"prompt": "What is it?"}, "files": image}
    allowed = server.client.post("/v1/image/recognize", headers={"X-API-Key": pictures}, **asked)  # type: ignore[arg-type]
    assert allowed.status_code == 200
    assert set(server.client.post("/v1/image/recognize", **asked).json()) == {"detail"}  # type: ignore[arg-type]
    for path in ("/livez", "/readyz", "/health", "/openapi.json"):
        assert server.client.get(path).status_code == 200, path
    line = server.request_line(post(server, key).headers["x-request-id"])
    assert line["key"] == "lab"
    assert key not in server.log_path.read_text()


def test_limits_of_a_key(start_server: StartServer, tmp_path: Path) -> None:
    """A key's requests and tokens a minute and its requests at a time end in 429 with Retry-After, for that key alone."""
    file = tmp_path / "keys.json"
    rare, short = add(file, "rare", "--requests-per-minute", "2"), add(file, "short", "--tokens-per-minute", "5")
    single, free = add(file, "single", "--concurrency", "1"), add(file, "free")
    server = guarded(start_server, file)
    assert [post(server, rare).status_code for _ in range(3)] == [200, 200, 429]
    assert [post(server, short).status_code for _ in range(2)] == [200, 429]
    late = post(server, rare)
    assert late.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert post(server, free).status_code == 200
    gone = threading.Event()
    with ThreadPoolExecutor(1) as pool:

        def occupy() -> None:
            with server.client.stream(
                "POST", PATH, json=LONG | {"stream": True}, headers={"X-API-Key": single}
            ) as stream:
                lines = stream.iter_lines()
                next(lines)
                gone.wait(60)

        held = pool.submit(occupy)
        until(lambda: server.client.get("/health").json()["running"] == 1, 30, "the key's request runs")
        assert post(server, single).status_code == 429
        gone.set()
        held.result()
    until(lambda: post(server, single).status_code == 200, 30, "the key is free again")


def test_rotation_under_way(start_server: StartServer, tmp_path: Path) -> None:
    """A reload takes new keys and drops revoked ones while a request goes on; a broken file changes nothing."""
    file = tmp_path / "keys.json"
    first = add(file, "first")
    server = guarded(start_server, file)
    with server.client.stream("POST", PATH, json=LONG | {"stream": True}, headers={"X-API-Key": first}) as stream:
        lines = stream.iter_lines()
        next(lines)
        second = add(file, "second")
        sightctl("keys", "revoke", "first", "--file", str(file))
        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: post(server, second).status_code == 200, 10, "the new key is taken")
        assert post(server, first).status_code == 401
        assert "data: [DONE]" in list(lines)
    file.write_text("{broken")
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: any("not reloaded" in line["event"] for line in server.lines()), 10, "the complaint")
    assert post(server, second).status_code == 200


def test_an_open_door_is_refused(tmp_path: Path) -> None:
    """Listening beyond this machine with no keys is refused with a sentence, unless auth.mode says so out loud."""
    config = tmp_path / "sightd.toml"
    config.write_text(f'[server]\nbind = ["0.0.0.0:1"]\n[auth]\nkeys_file = "{tmp_path / "keys.json"}"\n')
    refused = sightctl("check-config", "--config", str(config))
    assert refused.returncode == 78
    assert "there are no keys" in refused.stderr
    add(tmp_path / "keys.json", "lab")
    assert sightctl("check-config", "--config", str(config)).returncode == 0
    config.write_text('[server]\nbind = ["0.0.0.0:1"]\n[auth]\nmode = "none"\n')
    assert sightctl("check-config", "--config", str(config)).returncode == 0


@pytest.mark.parametrize("content", ['{"keys": [{"name": "x"}]}', "[]", '{"keys": 1}', "\xff"])
def test_a_broken_keys_file(tmp_path: Path, content: str) -> None:
    """A keys file that is not one is refused with its name and the place."""
    file = tmp_path / "keys.json"
    file.write_bytes(content.encode("latin-1"))
    refused = sightctl("keys", "list", "--file", str(file))
    assert refused.returncode == 1
    assert str(file) in refused.stderr


def test_nothing_of_the_body_is_read(start_server: StartServer, tmp_path: Path) -> None:
    """A caller without a key is answered before its body was sent."""
    file = tmp_path / "keys.json"
    add(file, "lab")
    server = guarded(start_server, file)
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n".encode()
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 401")
