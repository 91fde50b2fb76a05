"""What lives as long as the application: made by the lifespan, handed to endpoints through the request's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from ..auth.keyring import KeyRing
from ..config import Settings
from ..engine.pool import EnginePool
from ..media.decoders import PictureDecoders, VideoDecoders
from ..media.fetch.fetcher import Fetcher
from ..models.defaults import SamplingDefaults
from ..models.families import PromptBuilder
from ..models.names import ServedNames
from ..models.videoplan import VideoPlan
from .admission import Admission


@dataclass(frozen=True)
class Services:
    """Everything an endpoint may use. `video_plan` is how videos are seen within the operator's limits, None where the
    model takes none or they are off."""

    settings: Settings
    engines: EnginePool
    decoders: PictureDecoders
    videos: VideoDecoders
    fetcher: Fetcher
    video_fetcher: Fetcher
    prompts: PromptBuilder
    video_plan: VideoPlan | None
    names: ServedNames
    defaults: SamplingDefaults
    admission: Admission
    keys: KeyRing
    started: int

    @property
    def input_modalities(self) -> list[Literal["text", "image", "video"]]:
        """What the model takes here."""
        return ["text", "image"] if self.video_plan is None else ["text", "image", "video"]


def services_of(request: Request) -> Services:
    """The services of the application that handles this request."""
    services: Services = request.state.services
    return services


Served = Annotated[Services, Depends(services_of)]
