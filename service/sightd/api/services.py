"""What lives as long as the application: made by the lifespan, handed to endpoints through the request's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ..auth.keyring import KeyRing
from ..config import Settings
from ..config.limits import Limits
from ..config.live import Live
from ..ending import Ending
from ..engine.pool import EnginePool
from ..media.fetch.fetcher import Fetcher
from ..media.pool import DecoderPool
from ..models.defaults import SamplingDefaults
from ..models.families import PromptBuilder
from ..models.names import ServedNames
from .admission import Admission


@dataclass(frozen=True)
class Services:
    """Everything an endpoint may use. `settings` is what the service was started with, `live` what may change."""

    settings: Settings
    live: Live
    engines: EnginePool
    decoders: DecoderPool
    fetcher: Fetcher
    prompts: PromptBuilder
    names: ServedNames
    defaults: SamplingDefaults
    admission: Admission
    keys: KeyRing
    ending: Ending
    started: int

    @property
    def limits(self) -> Limits:
        """The limits in force now."""
        return self.live.now.limits


def services_of(request: Request) -> Services:
    """The services of the application that handles this request."""
    services: Services = request.state.services
    return services


Served = Annotated[Services, Depends(services_of)]
