"""`sightctl recognize` against a running sightd."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..pictures import encoded, shape
from ..server import Server, free_port, sightctl


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """A red circle and a blue square as files."""
    (tmp_path / "red.png").write_bytes(encoded(shape("ellipse", "red")))
    (tmp_path / "blue.jpg").write_bytes(encoded(shape("rectangle", "blue"), "JPEG"))
    return [str(tmp_path / "red.png"), str(tmp_path / "blue.jpg")]


def test_one_answer_for_each_picture(server: Server, pictures: list[str]) -> None:
    """Every picture's answer stands on a line of its own, in the order given."""
    done = sightctl("recognize", "--url", server.url, "--prompt", "What colour is it?", *pictures)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"{pictures[0]}: It is red.", f"{pictures[1]}: It is blue."]


def test_json(server: Server, pictures: list[str]) -> None:
    """With --json, each answer is a JSON object; with --together there is one for all pictures."""
    done = sightctl(
        "recognize", "--url", server.url, "--json", "--together", "--prompt", "两张图片的颜色相同吗？", *pictures
    )
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {"pictures": pictures, "answer": "不同。"}


def test_what_cannot_be_answered_is_said(server: Server, pictures: list[str], tmp_path: Path) -> None:
    """A file that is no picture gets the server's reason, the others their answers, and the status is 1."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    done = sightctl("recognize", "--url", server.url, "--prompt", "What colour is it?", pictures[0], str(broken))
    assert done.returncode == 1
    assert "It is red." in done.stdout
    assert "400" in done.stderr
    nowhere = sightctl("recognize", "--url", f"http://127.0.0.1:{free_port()}", "--prompt", "x", pictures[0])
    assert nowhere.returncode == 1
    assert "Is sightd running?" in nowhere.stderr
