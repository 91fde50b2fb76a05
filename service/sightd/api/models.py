"""GET /v1/models: the names that requests may use, and what is known of the model behind them."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from ..config.limits import Limits
from ..errors import NotFound
from ..models.defaults import SamplingDefaults
from .services import Served, Services

router = APIRouter(tags=["models"])


class ServedModel(BaseModel):
    """A name that requests may use for the model. `max_model_len` is in tokens, and null until the model is loaded."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "sightd"
    max_model_len: int | None


class ModelDetails(ServedModel):
    """Everything about one name."""

    input_modalities: list[Literal["text", "image", "video"]]
    output_modalities: list[str]
    defaults: SamplingDefaults
    limits: Limits


class ModelList(BaseModel):
    """All names."""

    object: Literal["list"] = "list"
    data: list[ServedModel]


def served_name(services: Services, wanted: str | None) -> str:
    """The model name to answer with. Raises NotFound, with the names there are, for another model's name."""
    if wanted is None:
        return services.names.primary
    if not services.names.accepts(wanted):
        names = ", ".join(services.names.all)
        raise NotFound(
            f"The model {wanted[:200]!r} is not served here; served: {names}.",
            f"没有模型 {wanted[:200]}，可用模型：{names}。",
            param="model",
            code="model_not_found",
        )
    return wanted


def max_model_len(services: Services) -> int | None:
    """The longest prompt with its answer, in tokens, once an engine knows it."""
    return services.engines.info.max_model_len if services.engines.info else None


@router.get("/v1/models")
async def list_models(services: Served) -> ModelList:
    """The names under which the model is served."""
    longest = max_model_len(services)
    return ModelList(
        data=[ServedModel(id=name, created=services.started, max_model_len=longest) for name in services.names.all]
    )


@router.get("/v1/models/{name:path}")
async def model_details(name: str, services: Served) -> ModelDetails:
    """One name, with the model's context length, what goes in and comes out, its sampling defaults and the limits."""
    return ModelDetails(
        id=served_name(services, name),
        created=services.started,
        max_model_len=max_model_len(services),
        input_modalities=services.input_modalities,
        output_modalities=["text"],
        defaults=services.defaults,
        limits=services.limits,
    )
