"""[server]: where sightd listens, and its times."""

from __future__ import annotations

from pydantic import Field, field_validator

from .fields import Addresses, Section


class Server(Section):
    """Where sightd listens, and how long it waits for what."""

    bind: Addresses = Field(("127.0.0.1:8000",), min_length=1, description="addresses to listen on")
    request_seconds: float = Field(
        600.0, gt=0, le=86400, description="longest time a request may take; X-Request-Timeout can shorten it"
    )
    head_seconds: float = Field(20.0, gt=0, le=3600, description="longest time that a request's head may take to come")
    body_seconds: float = Field(120.0, gt=0, le=86400, description="the same for its body")
    keep_alive_seconds: int = Field(75, ge=1, le=3600, description="how long an idle connection stays open")
    stream_comment_seconds: float = Field(
        15.0,
        gt=0,
        le=3600,
        description="a stream that is silent for so long gets a comment, so that proxies keep it open",
    )
    drain_seconds: int = Field(30, ge=0, le=3600, description="how long requests may go on after a stop was asked for")

    @field_validator("bind")
    @classmethod
    def _no_address_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("an address is listed twice")
        return value
