"""GET /v1/models."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from .services import Served

router = APIRouter(tags=["models"])


class ServedModel(BaseModel):
    """A name that requests may use for the model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "sightd"


class ModelList(BaseModel):
    """All names."""

    object: Literal["list"] = "list"
    data: list[ServedModel]


@router.get("/v1/models")
async def list_models(services: Served) -> ModelList:
    """The names under which the model is served."""
    return ModelList(data=[ServedModel(id=name, created=services.started) for name in services.names.all])
