"""[media]: where pictures and videos may come from, and how they are decoded."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .fields import AbsolutePaths, HostPatterns, Networks, Section


class Media(Section):
    """Where pictures and videos may come from, and how they are decoded."""

    fetch: Literal["off", "public", "list"] = Field(
        "public",
        description="pictures by URL: not at all, from public addresses and what is allowed here, or from that only",
    )
    allowed_hosts: HostPatterns = Field(
        (), description="hosts to fetch from wherever they are; *.example.org is all below that name"
    )
    allowed_networks: Networks = Field((), description="networks to fetch from, such as 10.1.0.0/16")
    denied_hosts: HostPatterns = Field((), description="hosts never to fetch from; stronger than what is allowed")
    denied_networks: Networks = Field((), description="networks never to fetch from; stronger than what is allowed")
    fetch_seconds: float = Field(
        20.0, gt=0, le=600, description="longest time that fetching all pictures of a request may take"
    )
    fetch_redirects: int = Field(3, ge=0, le=20, description="most redirects from a picture's URL to the picture")
    allowed_paths: AbsolutePaths = Field((), description="directories whose files requests may name")
    decoders: int = Field(2, ge=1, le=256, description="decoder processes")
    decode_seconds: float = Field(20.0, gt=0, le=600, description="longest time one picture may take to decode")
    decoder_memory_mib: int = Field(2048, ge=256, description="address space of a decoder process, in MiB")
    video_decoders: int = Field(1, ge=0, le=256, description="decoder processes for videos; 0 refuses videos")
    video_decode_seconds: float = Field(60.0, gt=0, le=3600, description="longest time one video may take to decode")
    video_decoder_memory_mib: int = Field(
        2048, ge=512, description="address space of a decoder process for videos, in MiB"
    )
    decoder_jobs: int = Field(1000, ge=1, description="files that a decoder process decodes before it is renewed")
