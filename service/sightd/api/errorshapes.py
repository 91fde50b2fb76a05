"""The body of an error in the shape that the clients of each family of endpoints know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SightdError

Shape = Callable[[SightdError], dict[str, Any]]

PICTURE_PATHS = ("/v1/image", "/v1/video")
MESSAGES_PATH = "/v1/messages"
NATIVE_PATH = "/"

ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def openai(error: SightdError) -> dict[str, Any]:
    """OpenAI's shape."""
    return {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}}


def picture(error: SightdError) -> dict[str, Any]:
    """The picture endpoints' shape, in Chinese."""
    return {"detail": error.chinese}


def native(error: SightdError) -> dict[str, Any]:
    """The shape of `POST /`."""
    return {"error": error.message, "status": error.status}


def anthropic(error: SightdError) -> dict[str, Any]:
    """Anthropic's shape."""
    usual = "invalid_request_error" if error.status < 500 else "api_error"
    kind = ANTHROPIC_TYPES.get(error.status, usual)
    return {"type": "error", "error": {"type": kind, "message": error.message}}


def below(path: str, *roots: str) -> bool:
    """Whether a path is one of the roots or lies below one."""
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def takes_forms(path: str) -> bool:
    """Whether a path is of the family that takes forms and answers in Chinese."""
    return below(path, *PICTURE_PATHS)


def shape_of(path: str) -> Shape:
    """The shape of the family that a path belongs to."""
    if takes_forms(path):
        return picture
    if path == NATIVE_PATH:
        return native
    return anthropic if below(path, MESSAGES_PATH) else openai
