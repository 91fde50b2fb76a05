"""What the log line of a request says, gathered while the request runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import HTTPConnection

from ..engine.protocol import Progress

UNSHOWN = ("began", "first_token", "last_token", "path", "key_priority", "stages", "gaps", "finishes")
NAMES = {
    "model": "gen_ai.request.model",
    "tokens_in": "gen_ai.usage.input_tokens",
    "tokens_out": "gen_ai.usage.output_tokens",
}
"""What OpenTelemetry's conventions for generative models call our figures."""


StageName = Literal["queue", "fetch_media", "decode_media", "prefill", "decode"]


@dataclass(frozen=True)
class Stage:
    """A part of a request's time, by the clock of `time.monotonic`."""

    name: StageName
    began: float
    ended: float


@dataclass
class RequestRecord:
    """One request's figures. Sizes are bytes, times seconds; `stages` are those that are over, `gaps` those between
    tokens of an answer, `finishes` why answers ended."""

    request_id: str
    method: str
    path: str
    began: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    last_token: float | None = None
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
    error: str | None = None
    reason: str | None = None
    prompt: str | None = None
    answer: str | None = None
    audit: str | None = None
    trace_id: str | None = None
    stages: list[Stage] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)

    @property
    def elapsed(self) -> float:
        """Seconds since the request came."""
        return time.monotonic() - self.began

    def passed(self, name: StageName, seconds: float | None, ended: float | None = None) -> None:
        """Note a stage that took so many seconds until `ended`, or until now; None is none."""
        if seconds is not None:
            until = time.monotonic() if ended is None else ended
            self.stages.append(Stage(name, until - seconds, until))

    def all_stages(self) -> list[Stage]:
        """The stages so far, with that of the answer's tokens after the first."""
        if self.first_token is None or self.last_token is None:
            return self.stages
        return [*self.stages, Stage("decode", self.first_token, self.last_token)]

    def spent(self) -> dict[StageName, float]:
        """Seconds in all stages of each name."""
        found: dict[StageName, float] = {}
        for stage in self.all_stages():
            found[stage.name] = found.get(stage.name, 0.0) + stage.ended - stage.began
        return found

    def note(self, progress: Progress, last: float | None) -> float:
        """Count what an engine's step brought to an answer whose last step came at `last`; returns this step's time.
        The times of the log line are those of the first token of all."""
        now = time.monotonic()
        if last is not None and progress.tokens:
            self.gaps += [(now - last) / len(progress.tokens)] * len(progress.tokens)
        if self.first_token is None:
            self.first_token = now
            self.passed("queue", progress.queued, now - (progress.prefill or 0))
            self.passed("prefill", progress.prefill, now)
        self.tokens_out += len(progress.tokens)
        self.last_token = now
        return now

    def fields(self) -> dict[str, Any]:
        """The fields of the log line: those that are known, times rounded to microseconds."""
        shown = {NAMES.get(k, k): v for k, v in vars(self).items() if k not in UNSHOWN and v is not None}
        shown["endpoint"] = self.endpoint or self.path
        shown |= {f"{name}_seconds": seconds for name, seconds in self.spent().items()}
        shown["seconds"] = self.elapsed
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in shown.items()}


def record_of(connection: HTTPConnection) -> RequestRecord:
    """The record of the request being handled."""
    record: RequestRecord = connection.scope["record"]
    return record
