"""[tracing]: where traces of requests are sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from .fields import Section


class Tracing(Section):
    """Where traces of requests are sent."""

    endpoint: str | None = Field(
        None,
        description="URL at which a collector takes traces by OTLP over HTTP, for example "
        "http://collector:4318/v1/traces; left out: there are none",
    )

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not is_endpoint(value):
            raise ValueError(
                "write the URL of a collector that takes OTLP over HTTP, for example http://collector:4318/v1/traces, "
                "with no user, query or fragment"
            )
        return value


def is_endpoint(url: str) -> bool:
    """Whether a URL names a server and a path of it, and nothing more."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    more = parts.username or parts.password or parts.query or parts.fragment or port == 0
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path not in ("", "/") and not more
