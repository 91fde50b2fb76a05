"""The errors that endpoints may answer with, as the API's own document has them: bodies by family, and statuses."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

Documented = dict[int | str, dict[str, Any]]

STREAMED: Documented = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
"""For endpoints that answer with server-sent events when they are asked to."""


class Problem(BaseModel):
    """What is wrong: a sentence, and words for programs."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """An error in OpenAI's shape."""

    error: Problem


class PictureError(BaseModel):
    """An error of the picture endpoints, in Chinese."""

    detail: str


class NativeError(BaseModel):
    """An error of `POST /`."""

    error: str
    status: int


class AnthropicProblem(BaseModel):
    """What is wrong, as Anthropic says it."""

    type: str
    message: str


class AnthropicError(BaseModel):
    """An error in Anthropic's shape."""

    type: Literal["error"]
    error: AnthropicProblem


POSTED = {
    400: "The request contradicts itself, or asks for what there is not.",
    401: "There is no key, or none that is known.",
    403: "The key may not do this.",
    404: "There is no such model.",
    408: "The body came too slowly.",
    413: "The body or a file is too large.",
    415: "The body is of another kind than the endpoint takes.",
    422: "A field or a picture cannot be used.",
    429: "A limit of the key is reached; Retry-After says when to try again.",
    500: "Something failed that is not the caller's doing.",
    503: "The model is not ready, or the queue is full; Retry-After says when to try again.",
    504: "The request took longer than its limit.",
}
ASKED = {status: POSTED[status] for status in (401, 403, 404, 422, 429, 500)}


def may_fail(shape: type[BaseModel], statuses: dict[int, str] = POSTED) -> Documented:
    """The errors of a family's endpoints, for `responses` of its routes."""
    return {status: {"model": shape, "description": text} for status, text in statuses.items()}
