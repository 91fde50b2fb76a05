"""POST /: the endpoint of the MiniCPM-o server that sightd replaces, with its bodies to the letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from ..errors import BadRequest
from .answering import Answer, whole
from .chat.content import Strict
from .chat.parsing import DATA_URI, picture
from .conversation import Conversation, LocalFile, PictureOptions, Wishes
from .services import Served, Services
from .serving import answered

router = APIRouter(tags=["MiniCPM-o"])

VIDEO_FPS, VIDEO_FRAMES = 1.0, 64


class Turn(Strict):
    """A turn: a text, or a list of texts and data: URIs of pictures in any order."""

    role: Literal["system", "user", "assistant"]
    content: str | Annotated[list[str], Field(max_length=1000)]


class Question(Strict):
    """A question, what was said before it, and a video on the server."""

    prompt: str = ""
    history: Annotated[list[Turn] | None, Field(max_length=1000)] = None
    video_path: Annotated[
        str | None, Field(description="a video below one of the directories that the operator allowed; or empty")
    ] = None


class Reply(BaseModel):
    """The answer, and the server's local time."""

    response: str
    status: Literal[200] = 200
    time: str


@router.post("/", response_model=Reply)
async def ask(body: Question, request: Request, services: Served) -> Response | Reply:
    """Answer a question with pictures and earlier turns."""
    return await answered(request, services, conversation(body, options(services)), Wishes(), reply)


async def reply(answers: list[Answer]) -> Reply:
    """The whole answer."""
    (piece,) = await whole(answers)
    return Reply(response=piece.text, time=datetime.now().strftime("%Y-%m-%d %H:%M:%S"))


def options(services: Services) -> PictureOptions:
    """How pictures and videos are seen here: as that server had it."""
    most = VIDEO_FRAMES if services.video_plan is None else min(VIDEO_FRAMES, services.video_plan.numbers["max_frames"])
    seen = PictureOptions(fps=VIDEO_FPS, max_frames=most)
    sliced = services.prompts.picture_plan.slices
    return replace(seen, max_slice_nums=2, use_image_id=False) if sliced else seen


def conversation(body: Question, seen: PictureOptions) -> Conversation:
    """The history with the video and the prompt as its last turn. Raises BadRequest."""
    turns = list(body.history or ())
    if sum(turn.role == "system" for turn in turns) > 1:
        raise BadRequest(
            "There is more than one system message; put all instructions into the first one.",
            "系统消息多于一条，请合并为一条。",
            param="history",
        )
    pictures: list[bytes] = []
    messages = [in_template_form(turn, f"history[{index}].content", pictures) for index, turn in enumerate(turns)]
    content: list[dict[str, Any]] = [{"type": "video"}] if body.video_path else []
    if body.prompt:
        content.append({"type": "text", "text": body.prompt})
    if content:
        messages.append({"role": "user", "content": content})
    if not messages or messages[-1]["role"] != "user":
        raise BadRequest("There is no question: prompt is empty.", "没有问题：prompt 为空。", param="prompt")
    videos = [LocalFile(body.video_path)] if body.video_path else []
    return Conversation(messages, pictures, videos, seen=seen)


def in_template_form(turn: Turn, param: str, pictures: list[bytes]) -> dict[str, Any]:
    """A turn for the chat template; its pictures are added to `pictures`."""
    content: list[dict[str, Any]] = []
    for item in [turn.content] if isinstance(turn.content, str) else turn.content:
        if is_picture(item):
            pictures.append(picture(item, param))
            content.append({"type": "image"})
        else:
            content.append({"type": "text", "text": item})
    return {"role": turn.role, "content": content}


def is_picture(item: str) -> bool:
    """Whether an item is meant as a data: URI; a text may begin with "data:", too."""
    return item[:10].lower() == "data:image" or DATA_URI.match(item[:256]) is not None
