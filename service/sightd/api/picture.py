"""POST /v1/image/recognize: a picture and a question as a form, an answer as text.

Its bodies are those of the service it replaces, to the letter: `{"status": "success", "result": ...}`, and errors as
`{"detail": "..."}` in Chinese.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel
from starlette.responses import Response

from ..errors import BadRequest, SightdError
from . import structured
from .answering import Answer, whole
from .connection import event
from .conversation import Conversation, Wishes
from .errordocs import STREAMED
from .errorshapes import picture as shape
from .services import Served
from .serving import Streaming, answered

router = APIRouter(tags=["pictures"])


class Recognised(BaseModel):
    """The answer about a picture."""

    status: Literal["success"] = "success"
    result: str


@router.post("/v1/image/recognize", response_model=Recognised, responses=STREAMED)
async def recognize(
    request: Request,
    services: Served,
    image: Annotated[list[UploadFile], File(description="the picture; may be given several times")],
    prompt: Annotated[str, Form(min_length=1, description="the question")],
    system: Annotated[str | None, Form(description="instructions for the model")] = None,
    max_tokens: Annotated[int | None, Form(ge=1, description="longest answer in tokens")] = None,
    temperature: Annotated[float | None, Form(ge=0, le=2, allow_inf_nan=False)] = None,
    top_p: Annotated[float | None, Form(gt=0, le=1, allow_inf_nan=False)] = None,
    seed: Annotated[int | None, Form(ge=-(2**63), lt=2**64)] = None,
    json_schema: Annotated[str | None, Form(description="the JSON Schema that the answer is held to")] = None,
    stream: Annotated[bool, Form(description="send the answer as server-sent events as it comes")] = False,
) -> Response | Recognised:
    """Answer a question about one or more pictures."""
    check_types(image)
    conversation = as_conversation([await upload.read() for upload in image], prompt, system)
    grammar = structured.schema_grammar(json_schema, "json_schema") if json_schema else ""
    wishes = Wishes(max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed, grammar=grammar)
    streaming = Streaming(lambda answers: events(answers[0]), error_event) if stream else None
    return await answered(request, services, conversation, wishes, recognised, streaming)


async def recognised(answers: list[Answer]) -> Recognised:
    """The whole answer."""
    (piece,) = await whole(answers)
    return Recognised(result=piece.text)


async def events(answer: Answer) -> AsyncGenerator[bytes, None]:
    """The answer as events: pieces of its text, then what the whole answer would have been."""
    result = ""
    async with aclosing(answer.pieces()) as pieces:
        async for piece in pieces:
            result += piece.text
            if piece.text:
                yield event({"text": piece.text})
    yield event(Recognised(result=result).model_dump())


def error_event(error: SightdError) -> bytes:
    """An error after the stream began."""
    return event(shape(error))


def check_types(uploads: list[UploadFile]) -> None:
    """Every part must say that it is a picture."""
    for upload in uploads:
        kind = upload.content_type or "未知类型"
        if not kind.startswith("image/"):
            shown = kind[:100]
            raise BadRequest(
                f"The uploaded file must be a picture, but it is {shown}.",
                f"上传的文件必须是图片类型，但收到的是 {shown}。",
            )


def as_conversation(pictures: list[bytes], prompt: str, system: str | None) -> Conversation:
    """The pictures followed by the question, after the instructions if there are any."""
    content: list[dict[str, Any]] = [{"type": "image"} for _ in pictures]
    user = {"role": "user", "content": [*content, {"type": "text", "text": prompt}]}
    return Conversation([{"role": "system", "content": system}, user] if system else [user], pictures)
