"""The two pools of decoders: one for pictures, one for videos, so that no picture waits for a video."""

from __future__ import annotations

from ..config.limits import Limits
from ..config.media import Media
from ..models.families import PicturePlan
from ..models.videoplan import VideoPlan
from . import faults
from .decoded import Decoded, sealed
from .kinds import PICTURE, VIDEO
from .pool import DecoderPool, Trade
from .sandbox import Bounds

MIB = 1024 * 1024


class PictureDecoders(DecoderPool):
    """Decoders of pictures of at most `max_pixels` pixels, which may change while they run."""

    def __init__(self, media: Media, max_pixels: int, family: str) -> None:
        self.max_pixels = max_pixels
        trade = Trade(
            module="sightd.media.decoder",
            processes=media.decoders,
            bounds=bounds(media.decoder_memory_mib, media.decode_seconds, media.decoder_jobs),
            kind=PICTURE,
            fault=lambda told: faults.picture_error(told["fault"], told["width"], told["height"], self.max_pixels),
        )
        super().__init__(trade, family)

    async def decode(self, data: bytes, plan: PicturePlan) -> Decoded:
        """Decode one picture for a model. Raises BadRequest or Unprocessable with a sentence when it cannot be used."""
        job = {"family": plan.family, "numbers": plan.numbers, "max_pixels": self.max_pixels}
        return sealed(await self.run(job, data), PICTURE)

    async def measure(self, data: bytes) -> tuple[int, int]:
        """A picture's (width, height) in pixels, by its header. Raises as `decode` does."""
        answer = (await self.run({"max_pixels": self.max_pixels}, data)).message
        return answer["width"], answer["height"]


class VideoDecoders(DecoderPool):
    """Decoders of videos within the operator's `limits`, which may change while they run; none where videos are off."""

    def __init__(self, media: Media, limits: Limits, family: str) -> None:
        self.limits = limits
        trade = Trade(
            module="sightd.media.videodecoder",
            processes=media.video_decoders,
            bounds=bounds(media.video_decoder_memory_mib, media.video_decode_seconds, media.decoder_jobs),
            kind=VIDEO,
            fault=lambda told: faults.video_error(told, self.limits),
        )
        super().__init__(trade, family)

    async def decode(self, data: bytes, plan: VideoPlan) -> Decoded:
        """Decode the frames of a video that a model sees. Raises BadRequest, TooLarge or Unprocessable with a sentence
        when it cannot be used."""
        limits = {
            "frames": self.limits.video_file_frames,
            "seconds": self.limits.video_seconds,
            "pixels": self.limits.video_frame_pixels,
        }
        job = {"family": plan.family, "numbers": plan.numbers, "limits": limits}
        return sealed(await self.run(job, data), VIDEO)


def bounds(memory_mib: int, seconds: float, jobs: int) -> Bounds:
    """What a decoder may use. A result is never larger than the memory that it is made in."""
    return Bounds(memory_mib * MIB, seconds, memory_mib * MIB // 2, jobs)
