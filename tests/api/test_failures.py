"""Failures that nobody foresaw."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from sightd.api import failures
from sightd.api.metrics.requests import RequestMetrics
from sightd.api.requestlog import RequestLog


def broken() -> FastAPI:
    """An application whose endpoints fail, behind the layers that answer for it."""
    app = FastAPI()
    for path in ("/v1/image/recognize", "/v1/chat/completions", "/v1/messages", "/"):

        @app.post(path)
        async def fail() -> None:
            raise RuntimeError("/secret/path")

    failures.install(app)
    app.add_middleware(failures.Unexpected)
    app.add_middleware(RequestLog, metrics=RequestMetrics())
    return app


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/image/recognize", {"detail": "服务器内部错误: 意外故障"}),
        ("/v1/chat/completions", {"error": {"type": "server_error", "param": None, "code": "internal_error"}}),
        ("/v1/messages", {"type": "error", "error": {"type": "api_error"}}),
        ("/", {"status": 500}),
    ],
)
async def test_unexpected_failures(path: str, body: dict[str, object]) -> None:
    """An unexpected failure is a 500 in the family's shape with the request's id and nothing of its cause, and the
    connection stays usable."""
    transport = httpx.ASGITransport(broken())
    async with httpx.AsyncClient(transport=transport, base_url="http://sightd") as client:
        response = await client.post(path, headers={"X-Request-ID": "line-9"})
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] == "line-9"
    answer = response.json()
    for name, value in body.items():
        assert answer[name] == value or answer[name].items() >= value.items()  # type: ignore[attr-defined]
    assert "secret" not in response.text
