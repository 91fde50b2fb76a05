"""[metrics]: what /metrics shows."""

from __future__ import annotations

from pydantic import Field

from .fields import Section


class Metrics(Section):
    """What /metrics shows."""

    vllm_names: bool = Field(False, description="show figures under the names of vLLM's server, too")
