"""The audit log: what it keeps of a request, and that changes to it are seen."""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path

import pytest
from sightd.audit import AuditError, AuditLog, verify

from .conftest import StartServer
from .server import sightctl
from .waiting import until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A log of four entries, written in two goes."""
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        log = AuditLog(path)
        for number in range(2):
            log.write({"request_id": f"request {number}", "key": "lab"})
    return path


def test_the_chain_goes_on(file: Path) -> None:
    """A log that was opened again goes on with its chain."""
    assert len(list(verify(file))) == 4


def test_rotation(start_server: StartServer, tmp_path: Path) -> None:
    """After the file was moved away and a reload, entries go into a new one, and the chain of both holds."""
    path, moved = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    server = start_server(environment={"SIGHTD_AUDIT__PATH": str(path)})
    until(lambda: server.status("/livez") == 200, 20, "/livez answers")
    server.status("/v1/models")
    path.rename(moved)
    server.status("/v1/models")
    server.process.send_signal(signal.SIGHUP)
    until(path.exists, 20, "a new file")
    server.status("/v1/models")
    until(path.read_text, 20, "an entry in the new file")
    assert "3 entries" in sightctl("audit", "verify", str(moved), str(path)).stdout
    assert "does not follow" in sightctl("audit", "verify", str(path), str(moved)).stderr


def changed(lines: list[str]) -> list[str]:
    """A line says something else."""
    return [lines[0], lines[1].replace("lab", "lob"), *lines[2:]]


def removed(lines: list[str]) -> list[str]:
    """A line is gone."""
    return [lines[0], *lines[2:]]


def swapped(lines: list[str]) -> list[str]:
    """Two lines changed places."""
    return [lines[1], lines[0], *lines[2:]]


def cut(lines: list[str]) -> list[str]:
    """The last line is not whole."""
    return [*lines[:-1], lines[-1][:20]]


@pytest.mark.parametrize("tampering", [changed, removed, swapped, cut], ids=lambda f: f.__name__)
def test_tampering_is_seen(file: Path, tampering: object) -> None:
    """`sightctl audit verify` fails and names the line when one was changed, taken out, moved or cut."""
    assert callable(tampering)
    file.write_text("".join(tampering(file.read_text().splitlines(keepends=True))))
    done = sightctl("audit", "verify", str(file))
    assert done.returncode == 1
    assert f"{file}: line " in done.stderr


def test_a_cut_log_is_not_gone_on_with(file: Path) -> None:
    """A log that ends within a line is refused with its name."""
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(AuditError, match="the last line is cut"):
        AuditLog(file)


def test_requests_are_kept(start_server: StartServer, tmp_path: Path) -> None:
    """A request's entry says who asked where and how much, with a hash of its body and nothing of it; the log line of
    the request has the entry's hash. Probes are not kept."""
    path = tmp_path / "audit.jsonl"
    server = start_server(environment={"SIGHTD_AUDIT__PATH": str(path)})
    until(lambda: server.status("/livez") == 200, 20, "/livez answers")
    body = json.dumps({"messages": [{"role": "user", "content": "a secret"}]}).encode()
    header = {"Content-Type": "application/json", "X-Request-ID": "r1"}
    server.client.post("/v1/chat/completions", content=body, headers=header)
    line = server.request_line("r1")
    (entry,) = verify(path)
    assert entry["request_id"] == "r1"
    assert entry["endpoint"] == "POST /v1/chat/completions"
    assert (entry["client"], entry["status"]) == ("127.0.0.1", line["status"])
    assert entry["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert json.loads(path.read_text())["hash"] == line["audit"]
    assert "secret" not in path.read_text()
