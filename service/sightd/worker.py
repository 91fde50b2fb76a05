"""gunicorn's worker: uvicorn, without its access log, and with an end that lets requests finish."""

from __future__ import annotations

import signal
import sys
from functools import partial
from types import FrameType
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from uvicorn import Config, Server
from uvicorn_worker import UvicornWorker

from .ending import Ending
from .patience import PatientProtocol
from .processes.child import die_with_parent

LAST_SECONDS = 2
"""How long connections may still send what is ready, once the requests' time is over."""


class Worker(UvicornWorker):  # type: ignore[misc]
    """One uvicorn server. The canonical request line takes the place of an access log; the client's address headers
    are not trusted."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "lifespan": "on",
    }

    def init_process(self) -> None:
        """Serve, until told to stop or until gunicorn's arbiter is gone."""
        die_with_parent(self.ppid, signal.SIGTERM)
        super().init_process()

    def init_signals(self) -> None:
        """As uvicorn has them; a reload before the application can take it is none."""
        super().init_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def _serve(self) -> None:
        ending: Ending = self.app.host.ending
        self.config.app = self.wsgi
        self.config.http = partial(PatientProtocol, head_seconds=self.app.settings.server.head_seconds)
        self.config.timeout_graceful_shutdown = ending.drain_seconds if ending.handed_over else LAST_SECONDS
        self._install_sigquit_handler()
        server = DrainingServer(self.config, ending)
        await server.serve(sockets=self.sockets)
        if not server.started or ending.failure:
            # Only with this status does the arbiter end, too, instead of starting another worker.
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


class DrainingServer(Server):
    """Serves until requests under way have ended, once it was told to end."""

    def __init__(self, config: Config, ending: Ending) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first SIGTERM begins the end; another one, or Ctrl-C, ends at once."""
        if sig != signal.SIGTERM or not self._ending.begin():
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to close."""
        self.should_exit = self.should_exit or self._ending.over
        return await super().on_tick(counter)
