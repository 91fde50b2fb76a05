"""A whole chat answer in OpenAI's form."""

from __future__ import annotations

import time
import uuid
from typing import Any, Literal

from pydantic import BaseModel

from ..answering import Answer, Piece
from ..tokenreport import TokenReport
from ..toolcalls import CallDelta
from .calls import call_stream
from .content import TextPart
from .schema import ChatRequest

FinishReason = Literal["stop", "length", "tool_calls"]


class Usage(BaseModel):
    """Tokens of the prompt (pictures included) and of all answers."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CalledFunction(BaseModel):
    """The function to call, and its arguments as JSON text."""

    name: str
    arguments: str


class ToolCall(BaseModel):
    """A call that the model wants made."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class AnswerMessage(BaseModel):
    """The assistant's turn."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel):
    """One answer and why it ended."""

    index: int
    message: AnswerMessage
    finish_reason: FinishReason
    logprobs: dict[str, Any] | None = None
    token_ids: list[int] | None = None


class ChatCompletion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    prompt_token_ids: list[int] | None = None


def usage(answers: list[Answer]) -> Usage:
    """The token counts so far."""
    prompt, completion = answers[0].prompt_tokens, answers[0].record.tokens_out
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


def new_id(request: ChatRequest) -> str:
    """An id for the answer."""
    return f"chatcmpl-{request.request_id or uuid.uuid4().hex}"


def beginning(request: ChatRequest) -> str:
    """The text that the answer begins with when the request wants the last message repeated."""
    last = request.messages[-1]
    if not request.echo or last.role != "assistant":
        return ""
    parts = last.content or ""
    return parts if isinstance(parts, str) else "".join(part.text for part in parts if isinstance(part, TextPart))


def completion(request: ChatRequest, answers: list[Answer], pieces: list[Piece], model: str) -> dict[str, Any]:
    """The whole answers as one object, without the fields that were not asked for."""
    body = ChatCompletion(
        id=new_id(request),
        created=int(time.time()),
        model=model,
        choices=[choice(request, index, piece) for index, piece in enumerate(pieces)],
        usage=usage(answers),
        prompt_token_ids=answers[0].submission.token_ids if request.return_token_ids else None,
    ).model_dump()
    if not request.return_token_ids:
        del body["prompt_token_ids"]
    for entry in body["choices"]:
        if not request.return_token_ids:
            del entry["token_ids"]
        if entry["message"]["tool_calls"] is None:
            del entry["message"]["tool_calls"]
    return body


def choice(request: ChatRequest, index: int, piece: Piece) -> Choice:
    """One answer."""
    assert piece.finish is not None
    text, calls = told_apart(request, piece.text)
    content = beginning(request) + text if text or not calls else None
    return Choice(
        index=index,
        message=AnswerMessage(content=content, tool_calls=calls or None),
        finish_reason="tool_calls" if calls and piece.finish == "stop" else piece.finish,
        logprobs=logprobs(piece.reports) if request.logprobs else None,
        token_ids=list(piece.tokens),
    )


def told_apart(request: ChatRequest, text: str) -> tuple[str, list[ToolCall]]:
    """An answer's text and the calls in it."""
    said, calls = "", list[ToolCall]()
    for delta in call_stream(request).feed(text, final=True):
        if isinstance(delta, str):
            said += delta
            continue
        if delta.id is not None:
            calls.append(ToolCall(id=delta.id, function=CalledFunction(name=str(delta.name), arguments="")))
        calls[delta.index].function.arguments += delta.arguments
    return said, calls


def logprobs(reports: tuple[TokenReport, ...]) -> dict[str, Any]:
    """Log probabilities in OpenAI's form."""
    return {"content": [shown(r) | {"top_logprobs": [shown(other) for other in r.likeliest]} for r in reports]}


def shown(report: TokenReport) -> dict[str, Any]:
    """One token's log probability; -9999 stands for a token that cannot come, since JSON has no infinity."""
    return {"token": report.text, "logprob": max(report.logprob, -9999.0), "bytes": list(report.content)}


def call_delta(delta: CallDelta) -> dict[str, Any]:
    """Some of a call in a chunk."""
    if delta.id is None:
        return {"index": delta.index, "function": {"arguments": delta.arguments}}
    function = {"name": delta.name, "arguments": delta.arguments}
    return {"index": delta.index, "id": delta.id, "type": "function", "function": function}
