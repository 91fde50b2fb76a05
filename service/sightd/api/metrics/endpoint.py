"""GET /metrics."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from ..services import Services
from .requests import RequestMetrics
from .state import ServiceCollector
from .vllm import VllmNames

router = APIRouter(tags=["health"])


def registry_of(services: Services, requests: RequestMetrics) -> CollectorRegistry:
    """The figures of an application under our names, and under vLLM's where they are wanted."""
    requests.registry.register(ServiceCollector(services))
    if not services.settings.metrics.vllm_names:
        return requests.registry
    both = CollectorRegistry(auto_describe=False)
    both.register(requests.registry)
    both.register(VllmNames(requests.registry, services.names.primary))
    return both


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Figures of requests, engines and decoders in the form that Prometheus reads."""
    encode: Callable[[CollectorRegistry], bytes]
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(request.state.metrics), headers={"Content-Type": kind})
