"""Decoding one video. Runs in a video decoder process, never in the HTTP front.

The rules: a container of a list, read from memory only; its packets are counted before anything is decoded, since
headers lie; rotation marks are applied; a frame that cannot be decoded is replaced by the next one that can.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from ..models.frames import Clip

INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""FFmpeg's names of containers whose index says where a frame is."""
CONTAINERS = (*INDEXED, "avi", "flv", "mpegts", "mpeg")
"""What is opened. Playlists and lists of files are none of them."""
BEGINNINGS = ((4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (0, b"RIFF"), (0, b"FLV"), (188, b"G"), (0, b"\0\0\1\xba"))
"""Where in a file of theirs which bytes stand."""
CODECS = (
    *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "mpeg4", "msmpeg4v2", "msmpeg4"),
    *("mpeg1video", "mpeg2video", "h263", "flv", "mjpeg", "rawvideo"),
)
"""FFmpeg's names of what is decoded."""
OPTIONS = {"format_whitelist": ",".join(CONTAINERS), "codec_whitelist": ",".join(CODECS), "protocol_whitelist": "none"}
LEAST_DECODED = 0.9
"""The share of its frames that a video must give; one that gives fewer is damaged. The last one stands for the rest."""

Fault = Literal[
    "not_a_video", "broken", "codec", "no_rate", "too_long", "too_many_frames", "too_many_pixels", "too_narrow",
    "too_much_memory",
]  # fmt: skip


class VideoError(Exception):
    """The video cannot be used. `width` and `height` are its frames', `value` its frames, its seconds, or the name of
    its codec, whichever is at fault."""

    def __init__(self, fault: Fault, width: int = 0, height: int = 0, value: float | str = 0) -> None:
        super().__init__(fault)
        self.fault: Fault = fault
        self.width = width
        self.height = height
        self.value = value


@dataclass(frozen=True)
class VideoLimits:
    """The most frames of a file, seconds of a video, and pixels of a frame."""

    frames: int
    seconds: float
    pixels: int


@dataclass(frozen=True)
class Packets:
    """The time stamps of a file's frames in the order of their showing, and those at which decoding can begin. Where
    the file has no good ones, they are the frames' numbers."""

    stamps: Sequence[int]
    keys: Sequence[int]
    timed: bool

    @classmethod
    def of(cls, found: Sequence[tuple[int | None, bool]], indexed: bool) -> Packets:
        """From each packet's time stamp and whether decoding can begin with it."""
        stamps = sorted({stamp for stamp, _ in found if stamp is not None})
        if indexed and len(stamps) == len(found):
            return cls(stamps, sorted(stamp for stamp, key in found if key and stamp is not None), timed=True)
        return cls(range(len(found)), (), timed=False)

    def key_before(self, stamp: int) -> int | None:
        """The last time stamp up to this one at which decoding can begin, if that is known."""
        place = bisect_right(self.keys, stamp)
        return self.keys[place - 1] if place else None


class VideoFile:
    """A video's facts, and its frames by number. Raises VideoError for what is damaged or over the limits."""

    def __init__(self, data: bytes, limits: VideoLimits) -> None:
        self._data = data
        self._limits = limits
        container, stream = opened(data)
        self._check_pixels(stream.codec_context.width, stream.codec_context.height)
        found = scanned(container, stream, limits.frames)
        if not found or any(entry.pos + entry.size > len(data) for entry in stream.index_entries):
            # Nothing is there, or the index names what was cut off.
            raise VideoError("broken")
        self._packets = Packets.of(found, container.format.name in INDEXED)
        rate = frame_rate(stream, found)
        if len(found) / rate > limits.seconds:
            raise VideoError("too_long", value=len(found) / rate)
        container.close()
        first = next(self._decoded(None), None)
        if first is None:
            raise VideoError("broken")
        shown = picture(first[1])
        self.clip = Clip(len(found), rate, shown.width, shown.height)

    def _check_pixels(self, width: int, height: int) -> None:
        if width * height > self._limits.pixels:
            raise VideoError("too_many_pixels", width, height)

    def pictures(self, indices: Sequence[int]) -> Iterator[Image.Image]:
        """The frames with these ascending numbers as RGB, upright. Raises VideoError."""
        stamps = self._packets.stamps
        frames = self._decoded(None)
        at, last = -1 << 63, None
        for index in indices:
            wanted = stamps[index]
            key = self._packets.key_before(wanted)
            if key is not None and key > at:
                frames = self._decoded(key)
            while at < wanted and (following := next(frames, None)) is not None:
                at, last = following
            if last is None or (at < wanted and bisect_right(stamps, at) < LEAST_DECODED * len(stamps)):
                raise VideoError("broken")
            yield picture(last)

    def _decoded(self, key: int | None) -> Iterator[tuple[int, VideoFrame]]:
        """Time stamp (or number) and frame of all that can be decoded, from the time stamp `key` on or the start."""
        container, stream = opened(self._data)
        number = -1
        if key is not None:
            try:
                container.seek(key, stream=stream)
            except av.FFmpegError:
                # What browsers record has no index: all of it is decoded from the start, once.
                self._packets = replace(self._packets, keys=())
                container, stream = opened(self._data)
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    number += 1
                    self._check_pixels(frame.width, frame.height)
                    stamp = frame.pts if self._packets.timed else number
                    yield (number if stamp is None else stamp), frame
            except av.error.InvalidDataError:
                continue


def opened(data: bytes) -> tuple[InputContainer, VideoStream]:
    """The container, and its first stream of moving pictures. Raises VideoError."""
    try:
        container = av.open(io.BytesIO(data), "r", options=OPTIONS)
    except av.FFmpegError as error:
        known = any(data[place:].startswith(mark) for place, mark in BEGINNINGS)
        raise VideoError("broken" if known else "not_a_video") from error
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        # Sound alone is no video; a container with nothing in it has lost what was.
        raise VideoError("not_a_video" if container.streams else "broken")
    stream = moving[0]
    if stream.codec_context is None or stream.codec_context.name not in CODECS:
        raise VideoError("codec", value=stream.codec_context.name if stream.codec_context else "")
    # Threads would outlive the job that they were started for.
    stream.thread_type, stream.thread_count = "NONE", 1
    return container, stream


def scanned(container: InputContainer, stream: VideoStream, most: int) -> list[tuple[int | None, bool]]:
    """Every packet's time stamp and whether decoding can begin with it. What headers promise is believed when it is too
    much, and counted when it is not. Raises VideoError for more than `most`."""
    found: list[tuple[int | None, bool]] = []
    promised = stream.frames
    for packet in container.demux(stream):
        if promised > most or len(found) > most:
            raise VideoError("too_many_frames", value=max(promised, len(found)))
        if packet.size and not packet.is_discard:
            found.append((packet.pts, packet.is_keyframe))
    return found


def frame_rate(stream: VideoStream, found: Sequence[tuple[int | None, bool]]) -> float:
    """Frames in a second, as the file says or else as its packets' time stamps do; 1 for a single frame. Raises
    VideoError."""
    if stream.average_rate:
        return float(stream.average_rate)
    stamps = {stamp for stamp, _ in found if stamp is not None}
    if len(stamps) > 1 and stream.time_base:
        return (len(stamps) - 1) / float((max(stamps) - min(stamps)) * stream.time_base)
    if stream.guessed_rate or len(found) == 1:
        return float(stream.guessed_rate or 1)
    raise VideoError("no_rate")


def picture(frame: VideoFrame) -> Image.Image:
    """The frame as RGB, upright."""
    pixels = frame.reformat(format="rgb24", threads=1).to_ndarray()
    return Image.fromarray(np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90))))


def rehearse() -> None:
    """Encode and decode a small video: what PyAV imports late must be there before files are out of reach."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith(("__main__", "datasets")):
            importlib.import_module(module.name)
    stored = io.BytesIO()
    with av.open(stored, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=2)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = 32, 32, "yuv420p", 1
        for _ in range(2):
            container.mux(stream.encode(VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(stream.encode())
    file = VideoFile(stored.getvalue(), VideoLimits(10, 10, 1 << 20))
    for shown in file.pictures([0, 1]):
        np.asarray(shown.resize((16, 16), Image.Resampling.BICUBIC))
