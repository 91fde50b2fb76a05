"""How long fuzzing goes on: the same few examples in `make test`, ever new ones by `make fuzz`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
settings.register_profile("fuzz", max_examples=1000, **COMMON)
settings.register_profile("brief", max_examples=25, derandomize=True, database=None, **COMMON)
settings.load_profile("brief")
