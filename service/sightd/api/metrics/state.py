"""Figures of the service as it is now, read when Prometheus asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ... import version
from ...engine.client import EngineClient
from ..services import Services

Family = CounterMetricFamily | GaugeMetricFamily
Reading = Callable[[EngineClient], float]


class ServiceCollector(Collector):
    """Admission, engines and decoders of a running application."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Family]:
        """The families of metrics."""
        services = self._services
        yield gauge("sightd_ready", "Whether an engine would answer a request now.", services.engines.ready)
        yield gauge("sightd_requests_running", "Requests that hold a place.", services.admission.running)
        yield gauge("sightd_requests_waiting", "Requests in the queue.", services.admission.waiting)
        yield gauge(
            "sightd_service_seconds", "Running mean of how long a place is held.", services.admission.service_seconds
        )
        yield gauge("sightd_start_time_seconds", "When the application started, in Unix time.", services.started)
        about = GaugeMetricFamily("sightd_info", "Version and model.", labels=("version", "model"))
        about.add_metric((version.VERSION, services.names.primary), 1)
        yield about
        yield from self._decoders()
        yield from per_engine(services.engines.engines)

    def _decoders(self) -> Iterator[Family]:
        pools = {"decoder": ("Picture", self._services.decoders), "video_decoder": ("Video", self._services.videos)}
        for name, (kind, pool) in pools.items():
            state = pool.state
            yield gauge(f"sightd_{name}s", f"{kind} decoder processes that are up.", state.processes)
            yield counter(f"sightd_{name}_jobs", f"{kind}s that decoders answered for.", state.counts.jobs)
            yield counter(f"sightd_{name}_deaths", f"{kind} decoders that died at work or idle.", state.counts.deaths)
            yield counter(
                f"sightd_{name}_timeouts", f"{kind} decoders that were killed at their deadline.", state.counts.timeouts
            )


def per_engine(engines: list[EngineClient]) -> Iterator[Family]:
    """Figures of each engine, labelled with its device."""
    counters: dict[str, tuple[str, Reading]] = {
        "engine_restarts": ("Engines that were started again.", lambda e: e.restarts),
        "prefix_cache_queries": ("Prompt tokens looked up in the key/value cache.", lambda e: e.counts.prefix_tokens),
        "prefix_cache_hits": ("Prompt tokens found there.", lambda e: e.counts.prefix_tokens_found),
        "encoder_cache_queries": ("Pictures looked up among encoded ones.", lambda e: e.counts.media),
        "encoder_cache_hits": ("Pictures found there.", lambda e: e.counts.media_found),
        "preemptions": ("Requests that were put back to wait.", lambda e: e.counts.preemptions),
    }
    gauges: dict[str, tuple[str, Reading]] = {
        "engine_ready": ("Whether the engine is ready.", lambda e: e.state == "ready"),
        "engine_requests": ("Requests that the engine works on.", lambda e: e.load),
        "engine_silence_seconds": ("Since the engine last showed progress.", lambda e: time.monotonic() - e.signs.last),
        "kv_cache_usage_ratio": ("Share of the key/value cache in use.", lambda e: e.counts.cache_used),
        "device_memory_bytes": ("Memory that the engine holds on its device.", lambda e: e.counts.memory_bytes),
    }
    for kind, table in ((CounterMetricFamily, counters), (GaugeMetricFamily, gauges)):
        for name, (text, value) in table.items():
            family: Family = kind(f"sightd_{name}", text, labels=("device",))
            for engine in engines:
                family.add_metric((engine.name,), float(value(engine)))
            yield family


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """A gauge without labels."""
    return GaugeMetricFamily(name, text, float(value))


def counter(name: str, text: str, value: float) -> CounterMetricFamily:
    """A counter without labels."""
    return CounterMetricFamily(name, text, float(value))
