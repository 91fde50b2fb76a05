"""Files of the server: nothing outside of the allowed directories can be read, or even be told from what is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sightd.errors import BadRequest, SightdError, TooLarge
from sightd.media.localfiles import open_local

LIMIT = 100


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """An allowed directory with good files, beside one with a secret, and with ways out of it."""
    folder = tmp_path / "allowed"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.mp4").write_bytes(b"video")
    (folder / "deep" / "er" / "b.mp4").write_bytes(b"deep video")
    (folder / "large.mp4").write_bytes(bytes(LIMIT + 1))
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed-not" / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "allowed-not" / "secret")
    (folder / "relative-link").symlink_to("../allowed-not/secret")
    (folder / "inner-link").symlink_to("a.mp4")
    (folder / "folder-link").symlink_to(tmp_path / "allowed-not")
    (folder / "null").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    return folder


def content(path: str | Path, folder: Path) -> bytes:
    """The file's content, if it may be read."""
    with os.fdopen(open_local(str(path), (Path("/nowhere"), folder), LIMIT), "rb") as file:
        return file.read()


def test_files_below_the_directory(allowed: Path) -> None:
    """Files in the directory and deeper are read, however the path is written without `..`."""
    assert content(allowed / "a.mp4", allowed) == b"video"
    assert content(allowed / "deep" / "er" / "b.mp4", allowed) == b"deep video"
    assert content(f"{allowed}//deep/./er/b.mp4", allowed) == b"deep video"


@pytest.mark.parametrize(
    "path",
    [
        "{0}/../allowed-not/secret",
        "{0}/deep/../../allowed-not/secret",
        "{0}/deep/../a.mp4",
        "{0}-not/secret",
        "{0}",
        "{0}/",
        "{0}/deep",
        "{0}/link",
        "{0}/relative-link",
        "{0}/inner-link",
        "{0}/folder-link/secret",
        "{0}/null",
        "{0}/pipe",
        "{0}/nothing",
        "{0}/a.mp4/b",
        "{0}/a.mp4\0.png",
        "{0}/\ud800",
        "{0}/" + "x" * 5000,
        "a.mp4",
        "",
        "/etc/passwd",
        "/etc/no-such-file",
        "/dev/zero",
        "/proc/self/environ",
        "file://{0}/a.mp4",
    ],
)
def test_everything_else(allowed: Path, path: str) -> None:
    """Whatever else a path names is refused with one and the same sentence, which holds no path, and without waiting."""
    with pytest.raises(BadRequest) as caught:
        content(path.format(allowed), allowed)
    assert caught.value.code == "path_not_allowed"
    assert "/" not in caught.value.message


def test_devices_below_an_allowed_directory() -> None:
    """Even in an allowed directory, only regular files are read."""
    with pytest.raises(SightdError):
        content("/dev/zero", Path("/dev"))


def test_a_large_file(allowed: Path) -> None:
    """A file over the limit is refused with both numbers."""
    with pytest.raises(TooLarge, match="has 101 bytes; at most 100"):
        content(allowed / "large.mp4", allowed)


def test_nothing_stays_open(allowed: Path) -> None:
    """Refusals leave no descriptor open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("pipe", "link", "large.mp4", "folder-link/secret", "nothing"):
        with pytest.raises(SightdError):
            content(allowed / name, allowed)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
