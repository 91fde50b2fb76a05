"""The endpoint."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..answering import Answer, whole
from ..errordocs import STREAMED
from ..models import served_name
from ..services import Served
from ..serving import Streaming, answered
from . import parsing, responses
from .chunks import chunks, error_event
from .schema import ChatRequest
from .wishes import wishes

router = APIRouter(tags=["chat"])


@router.post("/v1/chat/completions", response_model=responses.ChatCompletion, responses=STREAMED)
async def chat_completions(body: ChatRequest, request: Request, services: Served) -> Response:
    """Answer a conversation with pictures, at once or as a stream of server-sent events."""
    model, prompts = served_name(services, body.model), services.prompts
    conversation, wanted = parsing.conversation(body, prompts.template), wishes(body, prompts.tokenizer)

    async def at_once(answers: list[Answer]) -> Response:
        return JSONResponse(responses.completion(body, answers, await whole(answers), model))

    streaming = Streaming(lambda answers: chunks(body, answers, model), error_event) if body.stream else None
    return await answered(request, services, conversation, wanted, at_once, streaming)
