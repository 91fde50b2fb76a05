"""Answers in the form of the responses API: one object, or a stream of events."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ...errors import SightdError
from ..answering import Answer
from ..chat.calls import call_stream
from ..chat.schema import ChatRequest
from .items import Output, Stream
from .schema import ResponsesRequest


def beginning(body: ResponsesRequest, model: str) -> dict[str, Any]:
    """The response object before anything of the answer has come."""
    shown = body.model_dump(by_alias=True, mode="json")
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "model": model,
        "output": [],
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": body.reasoning.effort if body.reasoning else None, "summary": None},
        "store": False,
        "temperature": body.temperature,
        "text": shown["text"] or {"format": {"type": "text"}},
        "tool_choice": shown["tool_choice"] or "auto",
        "tools": shown["tools"] or [],
        "top_p": body.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": body.metadata or {},
    }


def usage(answer: Answer) -> dict[str, Any]:
    """Tokens of the prompt (pictures included) and of the answer."""
    prompt, produced = answer.prompt_tokens, answer.record.tokens_out
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": produced,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + produced,
    }


def error_event(error: SightdError) -> bytes:
    """An error after the stream began."""
    return Stream().event("error", code=error.code, message=error.message, param=error.param)


async def events(chat: ChatRequest, answer: Answer, response: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """The answer as events; `response` becomes the whole answer's object."""
    stream = Stream()
    output = Output(stream)
    yield stream.event("response.created", response=response)
    yield stream.event("response.in_progress", response=response)
    calls = call_stream(chat)
    async with aclosing(answer.pieces()) as pieces:
        async for piece in pieces:
            deltas = calls.feed(piece.text, piece.finish is not None)
            for made in [event for delta in deltas for event in output.add(delta)]:
                yield made
            status = "incomplete" if piece.finish == "length" else "completed"
            if piece.finish is not None:
                for made in output.close(status):
                    yield made
                response |= {"status": status, "output": output.items, "usage": usage(answer)}
                if status == "incomplete":
                    response["incomplete_details"] = {"reason": "max_output_tokens"}
    yield stream.event(f"response.{response['status']}", response=response)


async def whole(chat: ChatRequest, answer: Answer, response: dict[str, Any]) -> dict[str, Any]:
    """The whole answer's object."""
    async with aclosing(events(chat, answer, response)) as made:
        async for _ in made:
            pass
    return response
