"""[engine]: devices, and how much runs on them at once."""

from __future__ import annotations

from pydantic import Field, field_validator

from .fields import Section, Strings

DEVICE_FORM = "auto, cpu, cuda or cuda:N"
MOST_TOKENS = 1_000_000


class Engine(Section):
    """Devices, and how much runs on them at once."""

    devices: Strings = Field(("auto",), min_length=1, description=f"one engine process for each: {DEVICE_FORM}")
    max_sequences: int = Field(64, ge=1, le=4096, description="sequences that are decoded together")
    max_batch_tokens: int = Field(
        0, ge=0, le=MOST_TOKENS, description="most prompt tokens in one step; 0 takes what suits the device"
    )
    max_model_len: int = Field(
        0, ge=0, description="longest prompt with its answer in tokens; 0 takes the model's own, as memory allows"
    )
    cache_tokens: int = Field(0, ge=0, description="tokens that the key/value cache holds; 0 plans it from memory")
    encoder_cache_mib: int = Field(
        256, ge=0, description="most MiB for what the vision encoder made of recent pictures"
    )
    memory_utilization: float = Field(0.9, gt=0, le=1, description="share of the device's memory that sightd may use")
    hang_seconds: float = Field(
        120.0, gt=0, le=86400, description="an engine that shows no sign of life for so long is killed and restarted"
    )
    threads: int = Field(
        0, ge=0, le=1024, description="threads of an engine on the CPU; 0 shares out all cores, one for a tiny model"
    )

    cuda_graphs: bool = Field(
        True, description="on a card, record decoding as CUDA graphs, which is faster; false if one fails with them"
    )

    @field_validator("devices")
    @classmethod
    def _known_devices(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for device in value:
            kind, _, index = device.partition(":")
            if kind not in ("auto", "cpu", "cuda") or (":" in device and not (kind == "cuda" and index.isdigit())):
                raise ValueError(f"{device!r} is no device; write {DEVICE_FORM}")
        return value
