"""POST /v1/image/recognize: a picture and a question as a form, an answer as text.

Its bodies are those of the service it replaces, to the letter: `{"status": "success", "result": ...}`, and errors as
`{"detail": "..."}` in Chinese.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel
from starlette.responses import Response

from ..errors import BadRequest, ClientGone
from .answering import answering, whole
from .connection import time_limit, while_connected
from .conversation import Conversation, Wishes
from .failures import gone
from .record import RequestRecord, record_of
from .services import Served, Services

router = APIRouter(tags=["pictures"])


class Recognised(BaseModel):
    """The answer about a picture."""

    status: Literal["success"] = "success"
    result: str


@router.post("/v1/image/recognize", response_model=Recognised)
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
) -> Response | Recognised:
    """Answer a question about one or more pictures."""
    check_types(image)
    pictures = [await upload.read() for upload in image]
    wishes = Wishes(max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed)
    seconds = time_limit(request, services.settings.server.request_seconds)
    work = answer(services, record_of(request), as_conversation(pictures, prompt, system), wishes)
    try:
        return Recognised(result=await while_connected(request, work, seconds))
    except ClientGone:
        return gone(request)


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
    return Conversation([{"role": "system", "content": system}, user] if system else [user], [*pictures])


async def answer(services: Services, record: RequestRecord, conversation: Conversation, wishes: Wishes) -> str:
    """The whole answer's text."""
    async with answering(services, record, conversation, wishes) as answers:
        return (await whole(answers))[0].text
