"""POST /v1/responses."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..answering import Answer
from ..chat import parsing
from ..chat.wishes import wishes
from ..errordocs import STREAMED
from ..models import served_name
from ..services import Served
from ..serving import Streaming, answered
from . import answers
from .parsing import as_chat
from .schema import ResponsesRequest

router = APIRouter(tags=["responses"])


@router.post("/v1/responses", responses=STREAMED)
async def responses(body: ResponsesRequest, request: Request, services: Served) -> Response:
    """Answer a conversation with pictures, at once or as a stream of events. Nothing is kept on the server."""
    response, prompts = answers.beginning(body, served_name(services, body.model)), services.prompts
    chat = as_chat(body)
    conversation, wanted = parsing.conversation(chat, prompts.template), wishes(chat, prompts.tokenizer)

    async def at_once(made: list[Answer]) -> Response:
        return JSONResponse(await answers.whole(chat, made[0], response))

    streaming = Streaming(lambda made: answers.events(chat, made[0], response), answers.error_event)
    return await answered(request, services, conversation, wanted, at_once, streaming if body.stream else None)
