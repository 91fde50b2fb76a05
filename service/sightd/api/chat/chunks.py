"""A chat answer as a stream of chunks in OpenAI's form."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from ...errors import SightdError
from ..answering import Answer, Piece
from ..connection import event
from ..errorshapes import openai
from ..merging import merged
from ..toolcalls import Delta
from .calls import call_stream
from .responses import beginning, call_delta, logprobs, new_id, usage
from .schema import ChatRequest

DONE = b"data: [DONE]\n\n"


def error_event(error: SightdError) -> bytes:
    """An error after the stream began."""
    return event(openai(error))


class Choice:
    """One answer's part of the stream: turns pieces into choices of chunks."""

    def __init__(self, request: ChatRequest, index: int) -> None:
        self._request = request
        self._index = index
        self._calls = call_stream(request)

    def entry(self, delta: dict[str, Any], piece: Piece | None = None, finish: str | None = None) -> dict[str, Any]:
        """A choice of a chunk; `piece` gives its reports and tokens."""
        entry: dict[str, Any] = {"index": self._index, "delta": delta, "logprobs": None, "finish_reason": finish}
        if piece is not None and self._request.logprobs and piece.reports:
            entry["logprobs"] = logprobs(piece.reports)
        if piece is not None and self._request.return_token_ids:
            entry["token_ids"] = list(piece.tokens)
        return entry

    def entries(self, piece: Piece) -> Iterator[dict[str, Any]]:
        """The choices that one piece makes: text, calls, and the end."""
        final = piece.finish is not None
        shown = [self._delta(delta) for delta in self._calls.feed(piece.text, final)] + [{}] * final
        for number, delta in enumerate(shown):
            finish = self._finish(piece) if number == len(shown) - 1 else None
            yield self.entry(delta, piece if number == 0 else None, finish)

    def _delta(self, delta: Delta) -> dict[str, Any]:
        return {"content": delta} if isinstance(delta, str) else {"tool_calls": [call_delta(delta)]}

    def _finish(self, piece: Piece) -> str | None:
        return "tool_calls" if self._calls.calls and piece.finish == "stop" else piece.finish


async def chunks(request: ChatRequest, answers: list[Answer], model: str) -> AsyncGenerator[bytes, None]:
    """The answers as chunks: the role, then text or calls, then the finish reason, then the usage where it was asked
    for."""
    options = request.stream_options
    head = {"id": new_id(request), "object": "chat.completion.chunk", "created": int(time.time()), "model": model}

    def chunk(entry: dict[str, Any], **more: Any) -> bytes:
        whole = {**head, "choices": [entry], **more}
        if options is not None and options.continuous_usage_stats:
            whole["usage"] = usage(answers).model_dump()
        elif options is not None and options.include_usage:
            whole["usage"] = None
        return event(whole)

    choices = [Choice(request, index) for index in range(len(answers))]
    prompt = {"prompt_token_ids": answers[0].submission.token_ids} if request.return_token_ids else {}
    for choice in choices:
        yield chunk(choice.entry({"role": "assistant", "content": beginning(request)}), **prompt)
    async with aclosing(merged([answer.pieces() for answer in answers])) as pieces:
        async for index, piece in pieces:
            for entry in choices[index].entries(piece):
                yield chunk(entry)
    if options is not None and options.include_usage:
        yield event({**head, "choices": [], "usage": usage(answers).model_dump()})
    yield DONE
