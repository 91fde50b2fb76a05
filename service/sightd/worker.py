"""gunicorn's worker: uvicorn, without its access log."""

from __future__ import annotations

import signal
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from .processes.child import die_with_parent


class Worker(UvicornWorker):  # type: ignore[misc]
    """One uvicorn server. The canonical request line takes the place of an access log; the client's address headers
    are not trusted."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "lifespan": "on",
    }

    def init_process(self) -> None:
        """Serve, until told to stop or until gunicorn's arbiter is gone."""
        die_with_parent(self.ppid, signal.SIGTERM)
        super().init_process()
