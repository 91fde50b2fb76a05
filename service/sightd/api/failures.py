"""The one place where exceptions become responses, in the shape of the endpoint's family."""

from __future__ import annotations

import tempfile

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import logs
from ..errors import (
    BadRequest,
    Internal,
    MethodNotAllowed,
    NotFound,
    SightdError,
    UnsupportedMedia,
)
from .errorshapes import shape_of, takes_forms
from .invalid import invalid
from .record import record_of

log = logs.get(__name__)

LONGEST_PATH = 200


def respond(request: Request, error: SightdError) -> Response:
    """The response for an error, noted in the request's record."""
    record = record_of(request)
    record.error, record.reason = error.code or error.type, error.message
    return JSONResponse(shape_of(request.url.path)(error), error.status, error.headers)


def wrong_type(request: Request) -> SightdError | None:
    """The error for a JSON endpoint that was sent something else, which the framework would report as a bad field."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if takes_forms(request.url.path) or kind == "application/json" or kind.endswith("+json"):
        return None
    shown = kind[:100] or "no content type"
    return UnsupportedMedia(
        f"Send the body as JSON with the header Content-Type: application/json; it came with {shown}.",
        f"请以 application/json 发送请求体，收到的是 {shown}。",
    )


def http_error(error: HTTPException, path: str) -> SightdError:
    """An error that the framework raised."""
    match error.status_code:
        case 404:
            return NotFound(
                f"There is no endpoint {path[:LONGEST_PATH]}. See /docs for those there are.",
                "没有这个接口，请参阅 /docs。",
            )
        case 405:
            return MethodNotAllowed((error.headers or {}).get("Allow", ""))
        case 400:
            detail = str(error.detail).rstrip(".")
            return BadRequest(f"The request body cannot be read: {detail}.", f"无法读取请求体：{detail}。")
    return Internal()


class Unexpected:
    """ASGI middleware that answers failures nobody foresaw, inside the layers that every response passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            log.error("unexpected failure", exc_info=error)
            await respond(Request(scope), Internal())(scope, receive, send)


def install(app: FastAPI) -> None:
    """Register the handlers with the application."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, SightdError)
        return respond(request, error)

    async def misfit(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        form = takes_forms(request.url.path)
        return respond(request, wrong_type(request) or invalid(error.errors(), error.body, form=form))

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        # The framework wraps what is raised while it reads a body, such as the body's limit.
        cause = error.__cause__
        if isinstance(cause, OSError):
            # Large uploads are kept in files: it is the server whose disk is full, not the body that is wrong.
            log.error("an upload cannot be kept", folder=tempfile.gettempdir(), exc_info=cause)
            return respond(request, Internal())
        return respond(request, cause if isinstance(cause, SightdError) else http_error(error, request.url.path))

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected failure", exc_info=error)
        return respond(request, Internal())

    app.add_exception_handler(SightdError, ours)
    app.add_exception_handler(RequestValidationError, misfit)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, unexpected)
