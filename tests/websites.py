"""A web server on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def website(pages: Mapping[str, bytes], redirects: Mapping[str, str] | None = None) -> Iterator[str]:
    """The origin of a server for the pages by path. `{port}` in the target of a redirect is the server's port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the page, or send the client elsewhere."""
            content, target = pages.get(self.path), (redirects or {}).get(self.path)
            self.send_response(302 if target else 404 if content is None else 200)
            if target:
                self.send_header("Location", target.format(port=server.server_port))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
