"""[limits]: how much at once, and how large."""

from __future__ import annotations

from pydantic import Field

from .fields import Section

MIB = 1024 * 1024


class Limits(Section):
    """How much at once, and how large. What is over a limit is refused with a sentence that names it."""

    concurrency: int = Field(32, ge=1, le=100_000, description="requests that are worked on at once")
    queue: int = Field(256, ge=0, le=100_000, description="requests that wait; more are refused with Retry-After")
    place_tokens: int = Field(
        16384,
        ge=256,
        description="a request counts once in concurrency for every so many tokens that it is estimated to have",
    )
    request_bytes: int = Field(96 * MIB, ge=1024, description="largest request body")
    image_bytes: int = Field(20 * MIB, ge=1024, description="largest picture file")
    image_pixels: int = Field(7680 * 4320, ge=1, description="most pixels of a picture (8K is 33 million)")
    images: int = Field(16, ge=1, le=10_000, description="most pictures in a request")
    request_image_bytes: int = Field(96 * MIB, ge=1024, description="most bytes of all pictures of a request together")
    request_image_pixels: int = Field(
        8 * 7680 * 4320, ge=1, description="most pixels of all pictures of a request together"
    )
    videos: int = Field(2, ge=1, le=100, description="most videos in a request")
    video_bytes: int = Field(64 * MIB, ge=1024, description="largest video file")
    video_seconds: float = Field(600.0, gt=0, description="longest video")
    video_file_frames: int = Field(36_000, ge=1, description="most frames of a video file")
    video_frame_pixels: int = Field(4096 * 2304, ge=1, description="most pixels of a video's frame (4K is 9 million)")
    video_frames: int = Field(256, ge=1, le=4096, description="most frames of a video that the model sees")
    video_pixels: int = Field(
        24 * MIB, ge=1, description="most pixels of all frames of a video together, as the model sees them"
    )
    max_tokens: int = Field(8192, ge=1, description="longest answer that may be asked for, in tokens")
    default_max_tokens: int = Field(1024, ge=1, description="longest answer when the request does not say")
