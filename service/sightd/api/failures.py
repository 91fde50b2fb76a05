"""The one place where exceptions become responses, in the shape of the endpoint's family."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from .. import logs
from ..errors import (
    BadRequest,
    Internal,
    MethodNotAllowed,
    NotFound,
    SightdError,
    Unprocessable,
    UnsupportedMedia,
)
from .errorshapes import PICTURE_PATHS, shape_of
from .record import record_of

log = logs.get(__name__)

UNION_MEMBER = re.compile(r"(str|list\[.*|function-\w+\[.*|tagged-union\[.*)$")
"""What pydantic puts into a place for the alternative that it tried; clients do not know these names."""
MOST_PROBLEMS = 10
LONGEST_PROBLEM = 200


def respond(request: Request, error: SightdError) -> Response:
    """The response for an error, noted in the request's record."""
    record = record_of(request)
    record.error, record.reason = error.code or error.type, error.message
    return JSONResponse(shape_of(request.url.path)(error), error.status, error.headers)


def wrong_type(request: Request) -> SightdError | None:
    """The error for a JSON endpoint that was sent something else, which the framework would report as a bad field."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.url.path.startswith(PICTURE_PATHS) or kind == "application/json" or kind.endswith("+json"):
        return None
    shown = kind[:100] or "no content type"
    return UnsupportedMedia(
        f"Send the body as JSON with the header Content-Type: application/json; it came with {shown}.",
        f"请以 application/json 发送请求体，收到的是 {shown}。",
    )


def validation_error(request: Request, errors: Sequence[Any]) -> SightdError:
    """Validation problems as one error: which fields, and what is wrong with each."""
    problems = [describe(entry) for entry in errors[:MOST_PROBLEMS]]
    param = field(errors[0]) if errors else None
    missing = [field(entry) for entry in errors if entry["type"] == "missing"]
    if request.url.path.startswith(PICTURE_PATHS):
        chinese = f"缺少必填字段：{'、'.join(missing)}。" if missing else f"请求字段有误：{' '.join(problems)}"
        return Unprocessable(" ".join(problems), chinese, param=param)
    return BadRequest(" ".join(problems), " ".join(problems), param=param, code="invalid_value")


def field(entry: Any) -> str:
    """The path of the field that a problem is about: "messages[0].content"."""
    path = ""
    for part in entry["loc"]:
        if (part in ("body", "query", "path") and not path) or UNION_MEMBER.match(str(part)):
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path[:LONGEST_PROBLEM]


def describe(entry: Any) -> str:
    """One validation problem as a sentence."""
    name = field(entry)
    if entry["type"] == "json_invalid":
        return f"The body is not valid JSON: {entry.get('ctx', {}).get('error', '')}."[:LONGEST_PROBLEM]
    if entry["type"] == "missing":
        return f"{name or 'The body'} is missing."
    if entry["type"] == "extra_forbidden":
        return f"{name} is not a parameter of this endpoint."
    message = entry["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{name or 'The body'}: {message[:1].lower()}{message[1:]}."[:LONGEST_PROBLEM]


def http_error(error: HTTPException, path: str) -> SightdError:
    """An error that the framework raised."""
    match error.status_code:
        case 404:
            return NotFound(
                f"There is no endpoint {path[:LONGEST_PROBLEM]}. See /docs for those there are.",
                "没有这个接口，请参阅 /docs。",
            )
        case 405:
            return MethodNotAllowed((error.headers or {}).get("Allow", ""))
        case 400:
            return BadRequest(f"The request body cannot be read: {error.detail}", f"无法读取请求体：{error.detail}")
    return Internal()


def install(app: FastAPI) -> None:
    """Register the handlers with the application."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, SightdError)
        return respond(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(request, wrong_type(request) or validation_error(request, error.errors()))

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
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, unexpected)
