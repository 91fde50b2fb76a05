"""Models, health, documentation, unknown paths, request ids and log lines."""

from __future__ import annotations

import re

from ..pictures import encoded, shape
from ..server import Server


def test_models(server: Server) -> None:
    """/v1/models lists the served names in OpenAI's form."""
    body = server.client.get("/v1/models").json()
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["sightd-tiny-vl"]
    assert body["data"][0]["object"] == "model"


def test_names_in_any_case(server: Server) -> None:
    """A served name is known in any case."""
    body = {"model": "SIGHTD-Tiny-VL", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1}
    assert server.client.post("/v1/chat/completions", json=body).status_code == 200


def test_health(server: Server) -> None:
    """/livez, /readyz and /health say what is."""
    assert server.client.get("/livez").json() == {"status": "alive"}
    assert server.client.get("/readyz").json()["status"] == "ready"
    health = server.client.get("/health").json()
    assert health["status"] == "ok"
    assert health["engines"][0]["state"] == "ready"
    assert health["running"] == 0


def test_documentation_is_offline(server: Server) -> None:
    """/docs and all that it loads come from this server."""
    page = server.client.get("/docs").text
    links = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page)
    assert links
    for link in links:
        assert link.startswith("/"), link
        assert server.client.get(link).status_code == 200
    assert "/openapi.json" in page
    paths = server.client.get("/openapi.json").json()["paths"]
    assert {"/v1/image/recognize", "/v1/chat/completions", "/v1/models", "/livez", "/readyz", "/health"} <= set(paths)


def test_unknown_paths(server: Server) -> None:
    """A path that is not there gets 404 in the shape of the family that it would belong to."""
    for path in ("/v1/nothing", "/v1/messagesx"):
        response = server.client.get(path)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"
    for path in ("/v1/image", "/v1/video/nothing"):
        assert set(server.client.get(path).json()) == {"detail"}
    assert server.client.get("/v1/messages/nothing").json()["type"] == "error"


def test_request_ids(server: Server) -> None:
    """A well-formed X-Request-ID comes back, another is replaced, and there always is one."""
    assert server.client.get("/livez", headers={"X-Request-ID": "abc-1.2:3"}).headers["X-Request-ID"] == "abc-1.2:3"
    assert re.fullmatch(
        r"req-[0-9a-f]{32}", server.client.get("/livez", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"]
    )
    assert server.client.get("/nothing").headers["X-Request-ID"].startswith("req-")


def test_one_line_for_each_request(server: Server) -> None:
    """The log has one JSON line for a request with its figures, and neither question nor answer."""
    picture = encoded(shape("ellipse", "red"))
    server.client.post(
        "/v1/image/recognize",
        files={"image": ("a.png", picture, "image/png")},
        data={"prompt": "What shape is it?"},
        headers={"X-Request-ID": "line-1"},
    )
    line = server.request_line("line-1")
    assert line["endpoint"] == "/v1/image/recognize"
    assert line["status"] == 200
    assert line["bytes_in"] > len(picture)
    assert line["bytes_out"] > 10
    assert line["pictures"] == 1
    assert line["gen_ai.request.model"] == "sightd-tiny-vl"
    assert line["gen_ai.usage.input_tokens"] > 20
    assert line["gen_ai.usage.output_tokens"] > 3
    for time in ("seconds", "queue_seconds", "prefill_seconds", "decode_seconds", "decode_media_seconds"):
        assert line[time] >= 0
    text = server.log_path.read_text()
    assert "What shape is it?" not in text
    assert "It is a circle" not in text


def test_error_lines(server: Server) -> None:
    """A refused request's line says which error it was; control characters in a path cannot forge a line."""
    server.client.post("/v1/chat/completions", json={"messages": [], "x": 1}, headers={"X-Request-ID": "line-2"})
    line = server.request_line("line-2")
    assert (line["status"], line["error"]) == (400, "invalid_value")
    server.client.get('/a%0a{"event":"forged"}', headers={"X-Request-ID": "line-3"})
    assert server.request_line("line-3")["status"] == 404
    assert not any(entry["event"] == "forged" for entry in server.lines())
