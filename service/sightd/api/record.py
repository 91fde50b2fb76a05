"""What the log line of a request says, gathered while the request runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from ..engine.protocol import Progress

UNSHOWN = ("began", "first_token", "path", "key_priority", "gaps", "finishes")
NAMES = {
    "model": "gen_ai.request.model",
    "tokens_in": "gen_ai.usage.input_tokens",
    "tokens_out": "gen_ai.usage.output_tokens",
}
"""What OpenTelemetry's conventions for generative models call our figures."""


@dataclass
class RequestRecord:
    """One request's figures. Sizes are bytes, times seconds; `gaps` are those between tokens of an answer, `finishes`
    why answers ended."""

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
    model: str | None = None
    videos: int = 0
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
    gaps: list[float] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)

    @property
    def elapsed(self) -> float:
        """Seconds since the request came."""
        return time.monotonic() - self.began

    def note(self, progress: Progress, last: float | None) -> float:
        """Count what an engine's step brought to an answer whose last step came at `last`; returns this step's time.
        The times of the log line are those of the first token of all."""
        now = time.monotonic()
        if last is not None and progress.tokens:
            self.gaps += [(now - last) / len(progress.tokens)] * len(progress.tokens)
        if self.first_token is None:
            self.first_token = now
            self.prefill_seconds = progress.prefill
            self.queue_seconds = (self.queue_seconds or 0) + (progress.queued or 0)
        self.tokens_out += len(progress.tokens)
        self.decode_seconds = now - self.first_token
        return now

    def fields(self) -> dict[str, Any]:
        """The fields of the log line: those that are known, times rounded to microseconds."""
        shown = {NAMES.get(k, k): v for k, v in vars(self).items() if k not in UNSHOWN and v is not None}
        shown["endpoint"] = self.endpoint or self.path
        shown["seconds"] = self.elapsed
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in shown.items()}


def record_of(connection: HTTPConnection) -> RequestRecord:
    """The record of the request being handled."""
    record: RequestRecord = connection.scope["record"]
    return record
