"""What a reload may change while the service runs."""

from __future__ import annotations

from dataclasses import dataclass

from .access import Cors
from .limits import Limits
from .settings import Settings

CHANGEABLE = ("limits", "cors", "logging.level")
"""Sections and keys that a reload takes over; the keys file is read again too."""


@dataclass(frozen=True)
class Changeable:
    """One state of it."""

    limits: Limits
    cors: Cors
    log_level: str

    @classmethod
    def of(cls, settings: Settings) -> Changeable:
        """What the whole configuration says about it."""
        return cls(settings.limits, settings.cors, settings.logging.level)


class Live:
    """The state in force; it is replaced whole, so whoever reads `now` once sees one configuration."""

    def __init__(self, settings: Settings) -> None:
        self.now = Changeable.of(settings)


def needing_restart(before: Settings, after: Settings) -> list[str]:
    """The keys that differ and that a reload does not take over."""
    old, new = before.model_dump(), after.model_dump()
    different = [f"{s}.{k}" for s, table in new.items() for k, value in table.items() if value != old[s][k]]
    return [key for key in different if key not in CHANGEABLE and key.partition(".")[0] not in CHANGEABLE]
