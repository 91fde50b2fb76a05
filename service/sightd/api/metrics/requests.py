"""Figures of requests, counted when a request is over."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from ..record import RequestRecord

ANSWER_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
FIRST_TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TOKEN_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
REFUSED = (429, 503)


class RequestMetrics:
    """Counters and histograms of one application, in a registry of their own. Times are seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._requests = Counter("sightd_requests", "Requests that are over.", ("endpoint", "status"), registry=own)
        self._refusals = Counter("sightd_admission_refusals", "Requests told to come again.", ("reason",), registry=own)
        self._answers = Counter("sightd_answers", "Answers by why they ended.", ("finish_reason",), registry=own)
        self._prompt_tokens = Counter("sightd_prompt_tokens", "Tokens of prompts, media included.", registry=own)
        self._tokens = Counter("sightd_generation_tokens", "Tokens of answers.", registry=own)
        self._pictures = Counter("sightd_pictures", "Pictures that were decoded for requests.", registry=own)
        self._videos = Counter("sightd_videos", "Videos that were decoded for requests.", registry=own)
        times = {
            "sightd_request_seconds": ("A whole request that was answered.", ANSWER_SECONDS),
            "sightd_queue_seconds": ("Waiting for a place and for the engine.", ANSWER_SECONDS),
            "sightd_decode_media_seconds": ("Decoding a request's pictures and videos.", FIRST_TOKEN_SECONDS),
            "sightd_time_to_first_token_seconds": ("From a request's arrival to its first token.", FIRST_TOKEN_SECONDS),
            "sightd_inter_token_seconds": ("Between one token of an answer and the next.", TOKEN_SECONDS),
        }
        self._times = {name: Histogram(name, help_, buckets=b, registry=own) for name, (help_, b) in times.items()}

    def note(self, record: RequestRecord) -> None:
        """Count a request that is over."""
        self._requests.labels(record.endpoint or "other", record.status).inc()
        if record.status in REFUSED:
            self._refusals.labels(record.error or "other").inc()
        for finish in record.finishes:
            self._answers.labels(finish).inc()
        self._prompt_tokens.inc(record.tokens_in)
        self._tokens.inc(record.tokens_out)
        self._pictures.inc(record.pictures)
        self._videos.inc(record.videos)
        spent = record.spent()
        self._observe("sightd_queue_seconds", spent.get("queue"))
        self._observe("sightd_decode_media_seconds", spent.get("decode_media"))
        if record.first_token is not None:
            self._observe("sightd_request_seconds", record.elapsed)
            self._observe("sightd_time_to_first_token_seconds", record.first_token - record.began)
        for gap in record.gaps:
            self._observe("sightd_inter_token_seconds", gap)

    def _observe(self, name: str, seconds: float | None) -> None:
        if seconds is not None:
            self._times[name].observe(seconds)
