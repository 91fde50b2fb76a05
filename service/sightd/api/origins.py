"""Which pages may call from a browser. A page of a foreign origin is refused before its request does any work, simple
requests, for which browsers ask no leave beforehand, included."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..config.access import Cors
from ..config.live import Live
from ..errors import Forbidden
from .failures import respond

EXPOSED = ("X-Request-ID", "Retry-After")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def pattern(origins: tuple[str, ...]) -> str:
    """A regular expression for origins in which * stands for any run of characters but a slash."""
    return "|".join(re.escape(origin).replace(r"\*", "[^/]*") for origin in origins) or r"(?!)"


def cors(app: ASGIApp, settings: Cors) -> ASGIApp:
    """The application behind CORS headers for the configured origins."""
    everybody = "*" in settings.origins
    return CORSMiddleware(
        OriginGuard(app, settings),
        allow_origins=["*"] if everybody else [],
        allow_origin_regex=None if everybody else pattern(settings.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        allow_credentials=settings.credentials,
        expose_headers=EXPOSED,
        max_age=600,
    )


class Origins:
    """ASGI middleware: `cors` for the origins that are configured now."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self._app = app
        self._live = live
        self._settings = live.now.cors
        self._layer = cors(app, self._settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if self._settings is not self._live.now.cors:
            self._settings = self._live.now.cors
            self._layer = cors(self._app, self._settings)
        await self._layer(scope, receive, send)


class OriginGuard:
    """ASGI middleware that refuses calls of pages from foreign origins."""

    def __init__(self, app: ASGIApp, settings: Cors) -> None:
        self.app = app
        self._everybody = "*" in settings.origins
        self._known = re.compile(pattern(settings.origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._may_call(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        error = Forbidden(
            "Pages of this origin may not call. The operator can list it in cors.origins.",
            "该来源的网页无权调用，请管理员将其加入 cors.origins。",
            code="origin_not_allowed",
        )
        await respond(Request(scope), error)(scope, receive, send)

    def _may_call(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or self._everybody or self._known.fullmatch(origin):
            return True
        return urlsplit(origin).netloc == headers.get("host")
