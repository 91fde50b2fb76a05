"""POST /v1/responses."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ...errors import ClientGone
from ..answering import answering
from ..chat import parsing
from ..chat.wishes import wishes
from ..connection import EventStream, time_limit, while_connected
from ..failures import gone
from ..models import served_name
from ..record import record_of
from ..services import Served
from . import answers
from .parsing import as_chat
from .schema import ResponsesRequest

router = APIRouter(tags=["responses"])


@router.post("/v1/responses")
async def responses(body: ResponsesRequest, request: Request, services: Served) -> Response:
    """Answer a conversation with pictures, at once or as a stream of events. Nothing is kept on the server."""
    response = answers.beginning(body, served_name(services, body.model))
    seconds = time_limit(request, services.settings.server.request_seconds)
    chat, prompts = as_chat(body), services.prompts
    conversation, wanted = parsing.conversation(chat, prompts.template), wishes(chat, prompts.tokenizer)
    async with AsyncExitStack() as held:
        opening = held.enter_async_context(answering(services, record_of(request), conversation, wanted))
        try:
            (answer,) = await while_connected(request, opening, seconds)
            if body.stream:
                events = answers.events(chat, answer, response)
                return EventStream(request, events, held.pop_all(), seconds, answers.error_event)
            return JSONResponse(await while_connected(request, answers.whole(chat, answer, response), seconds))
        except ClientGone:
            return gone(request)
