"""Pages of listed origins may call from a browser, others may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import StartServer
from ..server import Server, sightctl

PATH = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
def listed(start_server: StartServer) -> Server:
    """A server that knows two origins."""
    origins = "http://intranet.example,https://*.lab.example:8443"
    return start_server(environment={"SIGHTD_CORS__ORIGINS": origins}).wait_ready()


def test_listed_and_foreign_origins(listed: Server) -> None:
    """A listed origin's preflight and call are answered with its name; a foreign one's preflight gets no leave and its
    call 403 in the family's shape; a page of the server itself and a script without an origin may call."""
    client = listed.client
    for origin in ("http://intranet.example", "https://a.lab.example:8443"):
        leave = client.options(PATH, headers={"Origin": origin, **PREFLIGHT})
        assert leave.status_code == 200
        assert leave.headers["access-control-allow-origin"] == origin
        answer = client.post(PATH, json=HELLO, headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    for origin in ("http://evil.example", "https://a.lab.example.evil:8443", "https://a/b.lab.example:8443", "null"):
        assert (
            "access-control-allow-origin" not in client.options(PATH, headers={"Origin": origin, **PREFLIGHT}).headers
        )
        refused = client.post(PATH, json=HELLO, headers={"Origin": origin})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert set(client.post("/v1/image/recognize", headers={"Origin": "http://evil.example"}).json()) == {"detail"}
    assert client.post(PATH, json=HELLO, headers={"Origin": listed.url}).status_code == 200
    assert client.post(PATH, json=HELLO).status_code == 200


def test_configuration_of_origins(tmp_path: Path) -> None:
    """Everybody together with credentials, and what is no origin, are configuration errors."""
    for text, words in (
        ('origins = ["*"]\ncredentials = true', "cannot go together"),
        ('origins = ["intranet.example/page"]', "is no origin"),
    ):
        file = tmp_path / "sightd.toml"
        file.write_text(f"[cors]\n{text}\n")
        refused = sightctl("check-config", "--config", str(file))
        assert refused.returncode == 78
        assert words in refused.stderr
