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
from ..media.kinds import PICTURE, VIDEO, Kind
from .answering import Answer, whole
from .connection import event
from .conversation import Conversation
from .errordocs import STREAMED
from .errorshapes import picture as shape
from .formoptions import FormOptions, Options, refuse_others
from .services import Served, Services
from .serving import Streaming, answered

router = APIRouter(tags=["pictures"])


class Recognised(BaseModel):
    """The answer about a picture or video."""

    status: Literal["success"] = "success"
    result: str


@router.post("/v1/image/recognize", response_model=Recognised, responses=STREAMED)
async def recognize(
    request: Request,
    services: Served,
    image: Annotated[list[UploadFile], File(description="the picture; may be given several times")],
    prompt: Annotated[str, Form(min_length=1, description="the question")],
    options: Options,
) -> Response | Recognised:
    """Answer a question about one or more pictures."""
    await refuse_others(request, "image", "prompt")
    check_types(image, PICTURE)
    conversation = as_conversation([await upload.read() for upload in image], prompt, options.system)
    return await recognition(request, services, conversation, options)


async def recognition(
    request: Request, services: Services, conversation: Conversation, options: FormOptions
) -> Response | Recognised:
    """The answer, streamed when that is wished for. Raises as `answered` does."""
    streaming = Streaming(lambda answers: events(answers[0]), error_event) if options.stream else None
    return await answered(request, services, conversation, options.wishes(), recognised, streaming)


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


def check_types(uploads: list[UploadFile], wanted: Kind) -> None:
    """Every part must say that it is of the kind."""
    for upload in uploads:
        kind = upload.content_type or "未知类型"
        if not kind.lower().startswith(f"{wanted.type}/"):
            shown = kind[:100]
            raise BadRequest(
                f"The uploaded file must be a {wanted.english}, but it is {shown}.",
                f"上传的文件必须是{wanted.chinese}类型，但收到的是 {shown}。",
            )


def as_conversation(files: list[bytes], prompt: str, system: str | None, kind: Kind = PICTURE) -> Conversation:
    """The pictures or videos followed by the question, after the instructions if there are any."""
    content: list[dict[str, Any]] = [{"type": kind.type} for _ in files]
    user: dict[str, Any] = {"role": "user", "content": [*content, {"type": "text", "text": prompt}]}
    messages = [{"role": "system", "content": system}, user] if system else [user]
    return Conversation(messages, videos=files) if kind is VIDEO else Conversation(messages, files)
