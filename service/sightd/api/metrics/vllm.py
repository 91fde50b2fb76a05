"""The same figures under the names of vLLM's server, for dashboards that query those."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

NAMES = {
    "sightd_requests_running": "vllm:num_requests_running",
    "sightd_requests_waiting": "vllm:num_requests_waiting",
    "sightd_time_to_first_token_seconds": "vllm:time_to_first_token_seconds",
    "sightd_inter_token_seconds": "vllm:inter_token_latency_seconds",
    "sightd_request_seconds": "vllm:e2e_request_latency_seconds",
    "sightd_queue_seconds": "vllm:request_queue_time_seconds",
    "sightd_prompt_tokens": "vllm:prompt_tokens",
    "sightd_generation_tokens": "vllm:generation_tokens",
    "sightd_answers": "vllm:request_success",
    "sightd_kv_cache_usage_ratio": "vllm:kv_cache_usage_perc",
    "sightd_prefix_cache_hits": "vllm:prefix_cache_hits",
    "sightd_prefix_cache_queries": "vllm:prefix_cache_queries",
}
LABELS = {"finish_reason": "finished_reason", "device": "engine"}


class VllmNames(Collector):
    """The metrics of `registry` that have such a name, labelled with the model's."""

    def __init__(self, registry: CollectorRegistry, model: str) -> None:
        self._registry = registry
        self._model = model

    def collect(self) -> Iterator[Metric]:
        """The families of metrics."""
        for family in self._registry.collect():
            if family.name in NAMES:
                yield self._renamed(family, NAMES[family.name])

    def _renamed(self, family: Metric, name: str) -> Metric:
        made = Metric(name, family.documentation, family.type)
        for sample in family.samples:
            labels = {LABELS.get(key, key): value for key, value in sample.labels.items()}
            made.samples.append(
                Sample(name + sample.name.removeprefix(family.name), {"model_name": self._model} | labels, sample.value)
            )
        return made
