"""Answers in Anthropic's form: one message, or a stream of its events."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Literal

from pydantic import BaseModel

from ...errors import SightdError
from .. import connection
from ..answering import Answer, Piece
from ..chat.calls import call_stream
from ..chat.schema import ChatRequest
from ..errorshapes import anthropic
from ..toolcalls import CallDelta, Delta

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


class Usage(BaseModel):
    """Tokens of the prompt (pictures included) and of the answer."""

    input_tokens: int
    output_tokens: int


class Message(BaseModel):
    """A whole answer."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[dict[str, Any]]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: Usage


def new_id() -> str:
    """An id for an answer."""
    return f"msg_{uuid.uuid4().hex}"


def stop_reason(piece: Piece, calls: int) -> StopReason:
    """Why the answer ended."""
    if piece.finish == "length":
        return "max_tokens"
    return "stop_sequence" if piece.stopped_by is not None else "tool_use" if calls else "end_turn"


def message(chat: ChatRequest, answer: Answer, piece: Piece, model: str) -> Message:
    """The whole answer as one object."""
    calls = call_stream(chat)
    content = blocks(calls.feed(piece.text, final=True))
    return Message(
        id=new_id(),
        model=model,
        content=content,
        stop_reason=stop_reason(piece, calls.calls),
        stop_sequence=piece.stopped_by,
        usage=Usage(input_tokens=answer.prompt_tokens, output_tokens=answer.record.tokens_out),
    )


def blocks(deltas: list[Delta]) -> list[dict[str, Any]]:
    """The deltas of a whole answer as content blocks. Arguments that were cut off are given as they would be when
    nothing had come."""
    result: list[dict[str, Any]] = []
    arguments: list[str] = []
    for delta in deltas:
        if isinstance(delta, str):
            result.append({"type": "text", "text": delta})
        elif delta.id is not None:
            result.append({"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}})
            arguments.append(delta.arguments)
        else:
            arguments[delta.index] += delta.arguments
    for block, text in zip((b for b in result if b["type"] == "tool_use"), arguments, strict=True):
        try:
            block["input"] = json.loads(text)
        except ValueError:
            block["input"] = {}
    return result


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    return connection.event({"type": kind, **fields}, kind)


def error_event(error: SightdError) -> bytes:
    """An error after the stream began."""
    return event("error", error=anthropic(error)["error"])


class Blocks:
    """The content blocks of a stream: one open at a time."""

    def __init__(self) -> None:
        self._index = -1
        self._open: str | None = None

    def close(self) -> Iterator[bytes]:
        """End the open block."""
        if self._open is not None:
            yield event("content_block_stop", index=self._index)
            self._open = None

    def _begin(self, kind: str, block: dict[str, Any]) -> Iterator[bytes]:
        yield from self.close()
        self._index, self._open = self._index + 1, kind
        yield event("content_block_start", index=self._index, content_block=block)

    def add(self, delta: Delta) -> Iterator[bytes]:
        """The events of some text or of some of a call."""
        if isinstance(delta, CallDelta):
            yield from self._add_call(delta)
            return
        if self._open != "text":
            yield from self._begin("text", {"type": "text", "text": ""})
        yield event("content_block_delta", index=self._index, delta={"type": "text_delta", "text": delta})

    def _add_call(self, delta: CallDelta) -> Iterator[bytes]:
        if delta.id is not None:
            yield from self._begin("call", {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}})
        if delta.arguments:
            part = {"type": "input_json_delta", "partial_json": delta.arguments}
            yield event("content_block_delta", index=self._index, delta=part)


async def events(chat: ChatRequest, answer: Answer, model: str) -> AsyncGenerator[bytes, None]:
    """The answer as events: the message's start, its blocks, and why it ended."""
    usage = Usage(input_tokens=answer.prompt_tokens, output_tokens=0)
    start = Message(id=new_id(), model=model, content=[], stop_reason=None, stop_sequence=None, usage=usage)
    yield event("message_start", message=start.model_dump())
    yield event("ping")
    calls, shown = call_stream(chat), Blocks()
    async with aclosing(answer.pieces()) as pieces:
        async for piece in pieces:
            deltas = calls.feed(piece.text, piece.finish is not None)
            for part in [made for delta in deltas for made in shown.add(delta)]:
                yield part
            if piece.finish is not None:
                for part in shown.close():
                    yield part
                reason = stop_reason(piece, calls.calls)
                delta = {"stop_reason": reason, "stop_sequence": piece.stopped_by}
                yield event("message_delta", delta=delta, usage={"output_tokens": answer.record.tokens_out})
    yield event("message_stop")
