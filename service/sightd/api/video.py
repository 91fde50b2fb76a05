"""POST /v1/video/recognize: a video and a question as a form; the sibling of /v1/image/recognize, with its bodies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from starlette.responses import Response

from ..media.kinds import VIDEO
from .conversation import PictureOptions
from .errordocs import STREAMED
from .formoptions import Options, refuse_others
from .picture import Recognised, as_conversation, check_types, recognition
from .services import Served

router = APIRouter(tags=["videos"])


@router.post("/v1/video/recognize", response_model=Recognised, responses=STREAMED)
async def recognize(
    request: Request,
    services: Served,
    video: Annotated[list[UploadFile], File(description="the video; may be given several times")],
    prompt: Annotated[str, Form(min_length=1, description="the question")],
    options: Options,
    fps: Annotated[float | None, Form(gt=0, le=1000, allow_inf_nan=False, description="frames to see a second")] = None,
    max_frames: Annotated[int | None, Form(ge=1, description="most frames to see")] = None,
) -> Response | Recognised:
    """Answer a question about one or more videos."""
    await refuse_others(request, "video", "prompt", "fps", "max_frames")
    check_types(video, VIDEO)
    conversation = as_conversation([await upload.read() for upload in video], prompt, options.system, VIDEO)
    conversation.seen = PictureOptions(fps=fps, max_frames=max_frames)
    return await recognition(request, services, conversation, options)
