"""What lives as long as the application: made by the lifespan, handed to endpoints through the request's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ..auth.keyring import KeyRing
from ..config import Settings
from ..engine.pool import EnginePool
from ..media.pool import DecoderPool
from ..models.defaults import SamplingDefaults
from ..models.families import PromptBuilder
from ..models.names import ServedNames
from .admission import Admission


@dataclass(frozen=True)
class Services:
    """Everything an endpoint may use."""

    settings: Settings
    engines: EnginePool
    decoders: DecoderPool
    prompts: PromptBuilder
    names: ServedNames
    defaults: SamplingDefaults
    admission: Admission
    keys: KeyRing
    started: int


def services_of(request: Request) -> Services:
    """The services of the application that handles this request."""
    services: Services = request.state.services
    return services


Served = Annotated[Services, Depends(services_of)]
