"""[audit]: the log of who asked when."""

from __future__ import annotations

from pydantic import Field

from .fields import AbsolutePath, Section


class Audit(Section):
    """The log of who asked when, which endpoint, and how much; never what about."""

    path: AbsolutePath | None = Field(
        None, description="file to append to, for example /var/lib/sightd/audit.jsonl; left out: none is kept"
    )
