"""Videos: what is read, the frames that come of it, and what is refused. In the test's own process."""

from __future__ import annotations

import math
import struct

import pytest
from sightd.media.videos import VideoError, VideoFile, VideoLimits

from ..clips import colour_number, plain, video
from ..pictures import encoded, noise, shape

LIMITS = VideoLimits(frames=1000, seconds=100, pixels=4096 * 2304)
KINDS = [
    ("mpeg4", "mp4"),
    ("libx264", "mp4"),
    ("libx264", "mov"),
    ("libx265", "mp4"),
    ("libvpx", "webm"),
    ("libvpx-vp9", "webm"),
    ("libsvtav1", "matroska"),
    ("mjpeg", "avi"),
    ("mpeg4", "avi"),
    ("flv", "flv"),
    ("libx264", "mpegts"),
    ("mpeg2video", "mpeg"),
]
GOOD = video(plain(12))
SHORT = video(plain(8))


def index_first(film: bytes) -> bytes:
    """An mp4 with its index before its frames, as it is made for the web."""
    place = film.index(b"moov") - 4
    index = bytearray(film[place:])
    table = index.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", index, table)
    for number in range(count):
        (offset,) = struct.unpack_from(">I", index, table + 4 + 4 * number)
        struct.pack_into(">I", index, table + 4 + 4 * number, offset + len(index))
    (head,) = struct.unpack_from(">I", film)
    return film[:head] + bytes(index) + film[head:place]


def fault(data: bytes, limits: VideoLimits = LIMITS) -> VideoError:
    """What is wrong with a video all of whose frames are asked for."""
    with pytest.raises(VideoError) as caught:
        decode_all(data, limits)
    return caught.value


def decode_all(data: bytes, limits: VideoLimits) -> None:
    """Decode every frame."""
    file = VideoFile(data, limits)
    list(file.pictures(range(file.clip.frames)))


@pytest.mark.parametrize(("codec", "container"), KINDS, ids=[f"{c}-{k}" for c, k in KINDS])
def test_kinds(codec: str, container: str) -> None:
    """Every kind of file gives its size, its rate and the frames that are asked for."""
    rate = 25 if codec == "mpeg2video" else 4
    file = VideoFile(video(plain(16), rate, codec, container), LIMITS)
    assert (file.clip.frames, file.clip.width, file.clip.height) == (16, 96, 64)
    assert file.clip.rate == pytest.approx(rate, rel=0.05)
    assert [colour_number(picture) for picture in file.pictures(range(16))] == [*range(8), *range(8)]
    assert [colour_number(picture) for picture in file.pictures([2, 13])] == [2, 5]


def test_frames_between_keys() -> None:
    """Far frames are reached by the index, and are the ones that decoding all of them gives."""
    frames = [noise(number, (96, 64)) for number in range(40)]
    data = video(frames, 10, "libx264", "mp4", g="8", bf="2")
    every = list(VideoFile(data, LIMITS).pictures(range(40)))
    file = VideoFile(data, LIMITS)
    assert len(file._packets.keys) >= 4
    for indices in ([0, 39], [3, 20, 21, 38], [17], [5, 6, 7, 30]):
        for index, picture in zip(indices, file.pictures(indices), strict=True):
            assert picture.tobytes() == every[index].tobytes()


def test_rotation() -> None:
    """A video that is marked as lying on its side is shown upright, with its size turned too."""
    picture = shape("rectangle", "red", (96, 64))
    picture.paste("blue", (0, 0, 16, 64))
    file = VideoFile(video([picture] * 2, rotation=90), LIMITS)
    assert (file.clip.width, file.clip.height) == (64, 96)
    (upright,) = file.pictures([0])
    # The left edge is the lower one after a quarter of a turn counterclockwise.
    assert colour_number(upright.crop((8, 86, 56, 94))) == 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "not_a_video"),
        (b"nothing of the kind " * 100, "not_a_video"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "not_a_video"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not_a_video"),
        (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>', "not_a_video"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5000 RTP/AVP 96\n", "not_a_video"),
        (encoded(shape(), "GIF"), "not_a_video"),
        (encoded(shape(), "PNG"), "not_a_video"),
        (GOOD[:40], "broken"),
        (GOOD[: len(GOOD) // 2], "broken"),
        (SHORT[: len(SHORT) // 2], "broken"),
        (index_first(GOOD)[:-400], "broken"),
    ],
    ids=[
        "empty",
        "text",
        "m3u8",
        "concat",
        "dash",
        "sdp",
        "gif",
        "png",
        "head",
        "half of an mp4",
        "an mp4 cut in its index",
        "an mp4 without its end",
    ],
)
def test_what_is_no_video(data: bytes, kind: str) -> None:
    """Playlists, pictures and damaged files are refused for what they are."""
    assert fault(data).fault == kind


def test_limits() -> None:
    """Frames, seconds and pixels over the limits are refused before anything is decoded, with what there is of them."""
    many = fault(GOOD, VideoLimits(11, 100, 10**6))
    assert (many.fault, many.value) == ("too_many_frames", 12)
    long = fault(GOOD, VideoLimits(100, 2.5, 10**6))
    assert (long.fault, long.value) == ("too_long", 3.0)
    large = fault(GOOD, VideoLimits(100, 100, 6000))
    assert (large.fault, large.width, large.height) == ("too_many_pixels", 96, 64)


def test_8k() -> None:
    """A frame of 8K is refused by its header."""
    large = fault(video(plain(1, (7680, 4320)), codec="mjpeg", container="avi"))
    assert (large.fault, large.width, large.height) == ("too_many_pixels", 7680, 4320)


def test_headers_that_lie() -> None:
    """A header that promises a million frames is refused for it; a frame rate of zero and a duration that is no number
    do not matter, since frames are counted."""
    data = video(plain(8), codec="mjpeg", container="avi")
    place = data.index(b"strh") + 8
    zero = bytearray(data)
    zero[place + 20 : place + 28] = bytes(8)
    assert VideoFile(bytes(zero), LIMITS).clip.rate > 0
    promising = bytearray(data)
    promising[place + 32 : place + 36] = struct.pack("<I", 1_000_000)
    assert fault(bytes(promising)).fault == "too_many_frames"
    film = bytearray(video(plain(8), container="matroska"))
    duration = film.index(b"\x44\x89\x88") + 3
    film[duration : duration + 8] = struct.pack(">d", math.nan)
    assert VideoFile(bytes(film), LIMITS).clip.frames == 8


def test_no_index() -> None:
    """What a browser records has neither index nor duration, and is read all the same."""
    file = VideoFile(video(plain(40), 10, "libvpx", "webm", live=True, g="8"), LIMITS)
    assert file.clip.frames == 40
    assert len(file._packets.keys) >= 4
    assert [colour_number(picture) for picture in file.pictures([0, 13, 26, 39])] == [0, 5, 2, 7]


def test_an_index_before_the_frames() -> None:
    """A film that is made for the web is read like any other."""
    file = VideoFile(index_first(GOOD), LIMITS)
    assert [colour_number(picture) for picture in file.pictures([1, 10])] == [1, 2]


def test_one_frame() -> None:
    """A video of a single frame is one."""
    file = VideoFile(video(plain(1), container="mpegts", codec="libx264"), LIMITS)
    assert file.clip.frames == 1
    assert len(list(file.pictures([0]))) == 1
