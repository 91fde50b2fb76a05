"""What lives as long as the application: made by the lifespan, handed to endpoints through the request's state."""

from __future__ import annotations

import time
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, Request

from ..auth.keyring import KeyRing
from ..config import Settings
from ..config.limits import Limits
from ..config.live import Live
from ..ending import Ending
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
    """Everything an endpoint may use. `settings` is what the service was started with, `live` what may change; it was
    `started` at this Unix time, and `began` at that of the clock that never jumps. `reader` is the thread in which
    long texts are read."""

    settings: Settings
    live: Live
    engines: EnginePool
    decoders: PictureDecoders
    videos: VideoDecoders
    fetcher: Fetcher
    video_fetcher: Fetcher
    prompts: PromptBuilder
    names: ServedNames
    defaults: SamplingDefaults
    admission: Admission
    keys: KeyRing
    ending: Ending
    reader: Executor
    started: int
    began: float = field(default_factory=time.monotonic)

    @property
    def limits(self) -> Limits:
        """The limits in force now."""
        return self.live.now.limits

    @property
    def video_plan(self) -> VideoPlan | None:
        """How videos are seen within those limits; None where the model takes none or they are off."""
        own = self.prompts.video_plan if self.settings.media.video_decoders else None
        return own.within(self.limits.video_frames, self.limits.video_pixels) if own is not None else None

    @property
    def input_modalities(self) -> list[Literal["text", "image", "video"]]:
        """What the model takes here."""
        return ["text", "image"] if self.video_plan is None else ["text", "image", "video"]


def services_of(request: Request) -> Services:
    """The services of the application that handles this request."""
    services: Services = request.state.services
    return services


Served = Annotated[Services, Depends(services_of)]
