"""`python -m tests.media.comparing`: what decord makes of the kinds of videos that sightd takes, in the decoders' sandbox.

decord is no dependency; install it beside sightd to repeat the figures of docs/security.md.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sightd.media.sandbox import Bounds, enter
from sightd.media.videos import VideoFile, rehearse

from ..clips import plain, video
from ..pictures import noise
from .test_videos import KINDS, LIMITS

BOUNDS = Bounds(memory_bytes=2 << 30, job_seconds=60, result_bytes=1 << 30, jobs=1)
SECONDS = 60
NEAR = 8
"""How far apart two means of a frame may be that show the same: decoders differ in the colours of YUV."""


def clips() -> dict[str, bytes]:
    """A video of every kind, some that are harder, and one that takes a while."""
    made = {f"{codec} in {kind}": video(plain(16), 25 if kind == "mpeg" else 4, codec, kind) for codec, kind in KINDS}
    many = [noise(number, (96, 64)) for number in range(60)]
    large = [noise(number, (1280, 720)) for number in range(30)]
    open_groups = {"x265-params": "keyint=10:open-gop=1:log-level=none"}
    return made | {
        "libx265, open groups": video(many, 10, "libx265", **open_groups),
        "libvpx without an index": video(plain(40), 10, "libvpx", "webm", live=True, g="8"),
        "one frame in mpegts": video(plain(1), 4, "libx264", "mpegts"),
        "1280 x 720, 900 frames": video(large * 30, 30, "libx264", g="250", preset="ultrafast"),
    }


def chosen(count: int) -> list[int]:
    """Eight of so many frames, spread evenly."""
    return sorted({round(step * (count - 1) / 7) for step in range(8)})


def frames_of(backend: str, data: bytes) -> Sequence[NDArray[np.uint8]]:
    """The chosen frames."""
    if backend == "pyav":
        file = VideoFile(data, LIMITS)
        return [np.asarray(picture) for picture in file.pictures(chosen(file.clip.frames))]
    decord = importlib.import_module("decord")
    reader = decord.VideoReader(io.BytesIO(data), ctx=decord.cpu(0), num_threads=1)
    return [reader[index].asnumpy() for index in chosen(len(reader))]


def child(backend: str, path: str) -> None:
    """One video in the sandbox: processor seconds, and each frame's shape and mean."""
    data = Path(path).read_bytes()
    if backend == "pyav":
        rehearse()
    else:
        importlib.import_module("decord")
    enter(BOUNDS)
    began = time.process_time()
    frames = frames_of(backend, data)
    used = time.process_time() - began
    means = [f"{frame.shape[-1]}:{frame.mean():.0f}" for frame in frames]
    sys.stdout.write(" ".join([f"{used:.2f}", *means]))


def run(backend: str, path: Path) -> list[str]:
    """What a child says of a video; nothing when it refuses it, and the signal when it is killed."""
    command = [sys.executable, "-m", __spec__.name, backend, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            said, _ = process.communicate(timeout=SECONDS)
            return said.split() or ([signal.Signals(-process.returncode).name] if process.returncode < 0 else [])
        process.kill()
        return [f"silent for {SECONDS} s"]


def verdict(ours: list[str], theirs: list[str]) -> str:
    """How decord's frames stand beside PyAV's."""
    if len(theirs) < 2:
        return theirs[0] if theirs else "refused"
    pairs = [(a.split(":"), b.split(":")) for a, b in zip(ours[1:], theirs[1:], strict=True)]
    wrong = sum(a[0] != b[0] or abs(int(a[1]) - int(b[1])) > NEAR for a, b in pairs)
    return f"{wrong} of {len(pairs)} frames wrong" if wrong else "right"


def main() -> None:
    """A line for every video."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in clips().items():
            path = Path(folder) / "clip"
            path.write_bytes(data)
            ours, theirs = run("pyav", path), run("decord", path)
            seconds = f"; {ours[0]} s here, {theirs[0]} s there" if theirs else ""
            sys.stdout.write(f"{name}: {verdict(ours, theirs)}{seconds}\n")


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    child(*sys.argv[1:]) if len(sys.argv) > 1 else main()
