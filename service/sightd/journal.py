"""Log records as fields of systemd's journal: `journalctl -u sightd REQUEST_ID=…` finds a request's lines."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import structlog
from logging_journald import JournaldTransport, check_journal_stream

PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
OWN_FIELDS = ("event", "level", "timestamp")
"""What the journal has fields of its own for."""
UNFIT = re.compile(r"[^A-Z0-9_]")

readable = structlog.processors.LogfmtRenderer(key_order=["request_id"], drop_missing=True)


def wanted(form: str) -> bool:
    """Whether records go to the journal: standard error leads there, and nobody asked for another form."""
    return form == "auto" and check_journal_stream()


class JournalHandler(logging.Handler):
    """Its formatter makes JSON, the keys of which become fields."""

    def __init__(self) -> None:
        super().__init__()
        self._transport = JournaldTransport()

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; complaints about that go to standard error."""
        try:
            self._transport.send(fields(json.loads(self.format(record))))
        except OSError:
            self.handleError(record)


def fields(event: dict[str, Any]) -> list[tuple[str, str]]:
    """The journal's fields for a log event: its own, and one for each key."""
    rest = {key: as_text(value) for key, value in event.items() if key not in OWN_FIELDS}
    shown = {key: value for key, value in rest.items() if key != "exception"}
    lines = [" ".join([event["event"], str(readable(None, "", dict(shown)))]).strip(), rest.get("exception", "")]
    own = [
        ("MESSAGE", "\n".join(filter(None, lines))),
        ("PRIORITY", str(PRIORITIES[event["level"]])),
        ("SYSLOG_IDENTIFIER", "sightd"),
    ]
    return own + [(UNFIT.sub("_", key.upper()).lstrip("_"), value) for key, value in rest.items()]


def as_text(value: Any) -> str:
    """A value as the journal shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
