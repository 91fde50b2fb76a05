"""A hub on loopback that speaks as much of ModelScope's and Hugging Face's protocols as their clients need."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "OpenLab/Drawn-VL"
REVISION = "v1.0"


@dataclass
class Hub:
    """What it offers, how it misbehaves, and what it was asked: paths of files with the Range asked for. A file in
    `stalls` stops after so many bytes until the hub ends; one in `spoiled` comes with another last byte than listed;
    one in `sizes` is listed with another size."""

    files: dict[str, bytes]
    stalls: dict[str, int] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """End it and everything that it stalls."""
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def modelscope_listing(self) -> dict[str, Any]:
        """What ModelScope's /repo/files says."""
        rows = [
            {"Path": path, "Size": self.sizes.get(path, len(content)), "Sha256": sha256(content), "Type": "blob"}
            for path, content in self.files.items()
        ]
        return {"Code": 200, "Success": True, "Data": {"Files": rows}}

    def huggingface_listing(self) -> list[dict[str, Any]]:
        """What Hugging Face's /tree says: large files have checksums."""
        rows = []
        for path, content in self.files.items():
            size = self.sizes.get(path, len(content))
            row: dict[str, Any] = {"type": "file", "path": path, "size": size, "oid": "0" * 40}
            if path.endswith(".safetensors"):
                row["lfs"] = {"oid": sha256(content), "size": size, "pointerSize": 134}
            rows.append(row)
        return rows


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers for a hub."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        """Listings and files of the one repository."""
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == f"/api/v1/models/{REPOSITORY}/repo/files" and query.get("Revision") == REVISION:
            self.give_json(self.hub.modelscope_listing())
        elif parts.path == f"/api/v1/models/{REPOSITORY}/repo" and query.get("Revision") == REVISION:
            self.give_file(query["FilePath"])
        elif parts.path == f"/api/models/{REPOSITORY}/tree/{REVISION}":
            self.give_json(self.hub.huggingface_listing())
        elif parts.path.startswith(f"/{REPOSITORY}/resolve/{REVISION}/"):
            self.give_file(parts.path.rpartition(f"{REVISION}/")[2])
        else:
            self.give_json({"Code": 404, "Message": "there is no such thing"}, 404)

    def give_json(self, content: Any, status: int = 200) -> None:
        """A JSON answer."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def give_file(self, path: str) -> None:
        """A file, or the part of it that was asked for."""
        wanted = self.headers.get("Range")
        self.hub.asked.append((path, wanted))
        content = self.hub.files[path]
        if path in self.hub.spoiled:
            content = content[:-1] + bytes([content[-1] ^ 1])
        begin = int(match[1]) if wanted and (match := re.match(r"bytes=(\d+)-", wanted)) else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        stop = self.hub.stalls.pop(path, None)
        self.wfile.write(content[begin:stop])
        if stop is not None:
            self.wfile.flush()
            self.hub.over.wait(120)
            self.close_connection = True
