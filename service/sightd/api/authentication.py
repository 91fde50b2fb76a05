"""The layer that knows who calls: it looks at the key before anything of the body is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import SightdError
from .failures import respond
from .health import PROBES
from .record import RequestRecord, record_of
from .services import Services

OPEN_PATHS = (*PROBES, "/version", "/docs", "/openapi.json", "/console")
"""What needs no key: the probes of load balancers and of Prometheus, the documentation, and the page that asks for a
key."""
OPEN_FOLDERS = ("/docs/", "/console/")


class Authentication:
    """ASGI middleware. Takes the key from `Authorization: Bearer` or `X-API-Key`, and counts what it uses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or is_open(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        services: Services = scope["state"]["services"]
        if not services.keys.required:
            await self.app(scope, receive, send)
            return
        record = record_of(Request(scope))
        try:
            usage = services.keys.caller(presented(Headers(scope=scope)), scope["path"])
            record.key, record.key_priority = usage.key.name, usage.key.priority
            with usage.request():
                await self.app(scope, receive, send)
            usage.charge(record.tokens_in + record.tokens_out)
        except SightdError as error:
            await self._refuse(scope, receive, send, error, record)

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, error: SightdError, record: RequestRecord
    ) -> None:
        if record.status:
            raise error
        await respond(Request(scope), error)(scope, receive, send)


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no key. A GET of the bare address only leads to the page."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS) or (method == "GET" and path == "/")


def presented(headers: Headers) -> str | None:
    """The key that a request shows."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key") or None
