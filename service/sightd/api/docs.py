"""GET /docs: the API's documentation page, with its scripts from here: nothing is loaded from the internet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

STATIC = "/docs/static"


def install(app: FastAPI) -> None:
    """Add /docs and the files it needs, which the fastapi-offline package carries."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="sightd API",
            swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
            swagger_css_url=f"{STATIC}/swagger-ui.css",
            swagger_favicon_url=f"{STATIC}/favicon.png",
        )

    app.include_router(router)
    app.mount(STATIC, StaticFiles(directory=Path(spec.origin).parent / "static"), name="docs-static")
