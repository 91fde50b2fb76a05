"""`make demo`'s program, as a newcomer runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sightd.selftest.known import known_questions

from ..server import clean_environment, free_port


def test_all_sample_questions_are_answered_right(tmp_path: Path) -> None:
    """The demo asks every sample question in both languages over both endpoints, shows times, and ends with status 0."""
    environment = clean_environment(
        {"ONCE": "1", "DEMO_BIND": f"127.0.0.1:{free_port()}", "DEMO_LOG": str(tmp_path / "log"), "COLUMNS": "200"}
    )
    command = [sys.executable, "-m", "sightd.selftest.demo"]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    for known in known_questions():
        assert known.question in done.stdout
        assert known.answer in done.stdout
    assert "wrong" not in done.stdout
    assert "/v1/image/recognize" in done.stdout
    assert "/v1/chat/completions, streamed" in done.stdout


def test_a_taken_address_is_said(tmp_path: Path) -> None:
    """When the address is in use, the demo ends with a sentence that says how to choose another."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = clean_environment({"ONCE": "1", "DEMO_BIND": address, "PATH": os.environ["PATH"]})
        command = [sys.executable, "-m", "sightd.selftest.demo"]
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "DEMO_BIND=" in done.stderr
