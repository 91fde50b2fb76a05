"""GET /version and GET /capabilities: what this server is and can do, for programs."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from .. import version
from ..config.limits import Limits
from ..models.families import Batching, PicturePlan
from .chat.schema import ChatRequest
from .models import max_model_len
from .services import Served

router = APIRouter(tags=["models"])

NO_EFFECT = "accepted, no effect"
NEEDED = {"tools": "tools", "enable_thinking": "enable_thinking", "reasoning_effort": "reasoning_effort"}
"""Parameters that are honoured where the model's template has this variable."""


class Version(BaseModel):
    """The version of sightd."""

    version: str


class Parameters(BaseModel):
    """The fields of a chat request: which are honoured, which are taken without effect, which are refused."""

    honoured: list[str]
    no_effect: list[str]
    refused: list[str]


class Capabilities(BaseModel):
    """What this server does. With `batching` in turns, requests wait for each other: every answer is right, and slower
    the more there are."""

    version: str
    model: str
    max_model_len: int | None
    batching: Batching
    input_modalities: list[Literal["text", "image", "video"]]
    output_modalities: list[Literal["text"]]
    tools: bool
    template_variables: list[str]
    endpoints: list[str]
    chat_parameters: Parameters
    limits: Limits


@router.get("/version")
async def get_version() -> Version:
    """The version of sightd."""
    return Version(version=version.VERSION)


@router.get("/capabilities")
async def capabilities(request: Request, services: Served) -> Capabilities:
    """Endpoints, parameters, limits and modalities."""
    paths = request.app.openapi()["paths"]
    known = services.prompts.template.variables
    return Capabilities(
        version=version.VERSION,
        model=services.names.primary,
        max_model_len=max_model_len(services),
        batching=services.prompts.batching,
        input_modalities=services.input_modalities,
        output_modalities=["text"],
        tools="tools" in known,
        template_variables=sorted(known - {"tools"}),
        endpoints=[f"{method.upper()} {path}" for path, methods in paths.items() for method in methods],
        chat_parameters=parameters(services.prompts.picture_plan, known),
        limits=services.limits,
    )


def parameters(plan: PicturePlan, variables: frozenset[str]) -> Parameters:
    """The chat request's fields by what is done with them, for a model that prepares pictures in this way and whose
    template has these variables."""
    groups: dict[str, list[str]] = {"honoured": [], "no_effect": [], "refused": []}
    unable = {name for name, variable in NEEDED.items() if variable not in variables}
    if not plan.adjustable:
        unable.add("mm_processor_kwargs")
    for name, field in ChatRequest.model_fields.items():
        nothing: Any = field.annotation
        refused = nothing is type(None) or name in unable
        kind = "refused" if refused else "no_effect" if field.description == NO_EFFECT else "honoured"
        groups[kind].append(name)
    return Parameters(**groups)
