"""[media]: decoding of pictures, and which files of the server may be read."""

from __future__ import annotations

from pydantic import Field

from .fields import AbsolutePaths, Section


class Media(Section):
    """Decoding of pictures, and which files of the server may be read."""

    allowed_paths: AbsolutePaths = Field((), description="directories whose files requests may name")
    decoders: int = Field(2, ge=1, le=256, description="decoder processes")
    decode_seconds: float = Field(20.0, gt=0, le=600, description="longest time one picture may take to decode")
    decoder_memory_mib: int = Field(2048, ge=256, description="address space of a decoder process, in MiB")
    decoder_jobs: int = Field(1000, ge=1, description="pictures that a decoder process decodes before it is renewed")
