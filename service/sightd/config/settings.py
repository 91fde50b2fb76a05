"""All sections together."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

from .access import Auth, Cors
from .audit import Audit
from .engine import Engine
from .limits import Limits
from .logging import Logging
from .media import Media
from .metrics import Metrics
from .model import Model
from .sampling import Sampling
from .server import Server
from .tracing import Tracing

PREFIX = "SIGHTD_"
DELIMITER = "__"


class Settings(BaseSettings):
    """The whole configuration. Frozen; build it with `sightd.config.load`, which knows the sources."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True
    )

    server: Server = Server()
    model: Model = Model()
    sampling: Sampling = Sampling()
    engine: Engine = Engine()
    limits: Limits = Limits()
    media: Media = Media()
    auth: Auth = Auth()
    cors: Cors = Cors()
    logging: Logging = Logging()
    audit: Audit = Audit()
    metrics: Metrics = Metrics()
    tracing: Tracing = Tracing()
