"""Chat answers in OpenAI's form: one object, or a stream of chunks."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any, Literal

from pydantic import BaseModel

from ...errors import SightdError
from ..answering import Answer, Piece

DONE = b"data: [DONE]\n\n"


class Usage(BaseModel):
    """Tokens of the prompt (pictures included) and of the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The assistant's turn."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """One answer and why it ended."""

    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class ChatCompletion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


def usage(answer: Answer) -> Usage:
    """The token counts so far."""
    prompt, completion = answer.prompt_tokens, answer.record.tokens_out
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def completion(answer: Answer, piece: Piece, model: str) -> ChatCompletion:
    """The whole answer as one object."""
    assert piece.finish is not None
    choice = Choice(message=AnswerMessage(content=piece.text), finish_reason=piece.finish)
    return ChatCompletion(id=new_id(), created=int(time.time()), model=model, choices=[choice], usage=usage(answer))


def new_id() -> str:
    """An id for an answer."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def event(payload: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return (
        b"data: " + json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n\n"
    )


def error_event(error: SightdError) -> bytes:
    """An error after the stream began."""
    return event({"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code}})


async def chunks(answer: Answer, model: str, include_usage: bool) -> AsyncGenerator[bytes, None]:
    """The answer as chunks: the role, then text, then the finish reason, then the usage where it was asked for."""
    head: dict[str, Any] = {
        "id": new_id(),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
    }
    if include_usage:
        head["usage"] = None

    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        return event({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    async for piece in answer.pieces():
        if piece.text:
            yield chunk({"content": piece.text})
        if piece.finish:
            yield chunk({}, piece.finish)
    if include_usage:
        yield event({**head, "choices": [], "usage": usage(answer).model_dump()})
    yield DONE
