"""GET /console: a page for people without code: drop a picture, ask. Nothing comes from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from ..errors import MethodNotAllowed

PAGE = "/console"
FILES = Path(__file__).parents[1] / "console"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def install(app: FastAPI) -> None:
    """Add the page and the files it needs, and send browsers that open the server's bare address to it."""
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE)
    async def page() -> Response:
        return FileResponse(FILES / "index.html", headers=HEADERS)

    @router.get("/")
    async def root(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            raise MethodNotAllowed("POST")
        return RedirectResponse(PAGE)

    app.include_router(router)
    app.mount(f"{PAGE}/static", StaticFiles(directory=FILES), name="console-static")
