"""What the log line of a request says, gathered while the request runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from ..engine.protocol import Progress

UNSHOWN = ("began", "first_token", "path", "key_priority")


@dataclass
class RequestRecord:
    """One request's figures. Sizes are bytes, times seconds."""

    request_id: str
    method: str
    path: str
    began: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    endpoint: str = ""
    status: int = 0
    key: str | None = None
    key_priority: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    pictures: int = 0
    device: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    queue_seconds: float | None = None
    fetch_media_seconds: float | None = None
    decode_media_seconds: float | None = None
    prefill_seconds: float | None = None
    decode_seconds: float | None = None
    error: str | None = None
    reason: str | None = None
    prompt: str | None = None
    answer: str | None = None
    audit: str | None = None

    def note(self, progress: Progress) -> None:
        """Count what an engine's step brought; the times are those of the first token of all."""
        now = time.monotonic()
        if self.first_token is None:
            self.first_token = now
            self.prefill_seconds = progress.prefill
            self.queue_seconds = (self.queue_seconds or 0) + (progress.queued or 0)
        self.tokens_out += len(progress.tokens)
        self.decode_seconds = now - self.first_token

    def fields(self) -> dict[str, Any]:
        """The fields of the log line: those that are known, times rounded to microseconds."""
        shown = {
            k: v
            for k, v in vars(self).items()
            if k not in ("began", "first_token", "path", "key_priority") and v is not None
        }
        shown["endpoint"] = self.endpoint or self.path
        shown["seconds"] = time.monotonic() - self.began
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in shown.items()}


def record_of(connection: HTTPConnection) -> RequestRecord:
    """The record of the request being handled."""
    record: RequestRecord = connection.scope["record"]
    return record
