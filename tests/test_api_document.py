"""The examples of docs/api.md work as they stand."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .clips import circles
from .pictures import encoded, shape
from .server import Server

DOCUMENT = Path(__file__).parents[1] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```(bash|python|javascript)\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.M | re.S)


def command(language: str, code: str, base: str) -> list[str]:
    """How an example is run."""
    if language == "bash":
        return ["bash", "-ec", f"BASE={base}\n{code}"]
    if language == "python":
        return [sys.executable, "-c", f"BASE = {base!r}\n{code}"]
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    return [node, "--input-type=module", "-e", f"const BASE = {json.dumps(base)};\n{code}"]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example(server: Server, tmp_path: Path, number: int) -> None:
    """An example runs, and prints what the comment behind it says where there is one."""
    language, code = EXAMPLES[number]
    (tmp_path / "picture.png").write_bytes(encoded(shape("ellipse", "red")))
    (tmp_path / "video.mp4").write_bytes(circles())
    done = subprocess.run(
        command(language, code, server.url), check=False, capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    said = re.search(r"(?:#|//) (It is .*|是.*|\{.*)$", code.strip(), re.M)
    assert said is None or done.stdout.strip() == said[1]
