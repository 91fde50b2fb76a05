"""`sightd`: reads the configuration and serves, under gunicorn's supervision."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from . import logs, version
from .app import create_app
from .auth.exposure import refuse_exposure
from .config import ConfigError, Settings, load
from .models.checkpoint import CheckpointError
from .models.names import checkpoint_folder
from .models.vetting import vet

CONFIG_STATUS = 78
"""Exit status for a configuration that cannot be used (EX_CONFIG of sysexits.h)."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108
"""Where gunicorn keeps its worker's sign of life: a disk could stall it."""


class Front(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings and one worker: the engines hold the model, so there must not be two."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's own settings."""
        server = self._settings.server
        options: dict[str, Any] = {
            "bind": list(server.bind),
            "workers": 1,
            "worker_class": "sightd.worker.Worker",
            "logger_class": QuietLogger,
            "graceful_timeout": server.drain_seconds + 5,
            "keepalive": server.keep_alive_seconds,
            "timeout": 120,
            "worker_tmp_dir": SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> FastAPI:
        """The application, made in the worker."""
        return create_app(self._settings)

    def run(self) -> None:
        """Serve until told to stop."""
        Supervisor(self).run()


class Supervisor(Arbiter):  # type: ignore[misc]
    """gunicorn's arbiter without the signals that would start a second worker, and the model with it."""

    def handle_hup(self) -> None:
        """Pass the reload signal on to the worker, which takes it without a restart."""
        self.kill_workers(signal.SIGHUP)

    def handle_ttin(self) -> None:
        """Ignored: there is one worker."""

    def handle_ttou(self) -> None:
        """Ignored: there is one worker."""

    def handle_usr2(self) -> None:
        """Ignored: a second master would load the model a second time."""


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger on our handlers."""

    def setup(self, cfg: Any) -> None:
        """Leave the handlers to `sightd.logs`."""
        self.error_log.propagate = True
        self.access_log.propagate = False


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command line's settings as section tables."""
    tables: dict[str, Any] = {}
    if arguments.bind:
        tables["server"] = {"bind": arguments.bind}
    if arguments.model:
        tables["model"] = {"path": arguments.model}
    return tables


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="sightd", description="Serve a vision-language model over HTTP.")
    made.add_argument(
        "--config", type=Path, metavar="PATH", help="a configuration file or folder in place of /etc/sightd"
    )
    made.add_argument("--bind", action="append", metavar="HOST:PORT", help="address to listen on; may be repeated")
    made.add_argument(
        "--model", metavar="PATH", help="checkpoint folder; the embedded model when nothing says otherwise"
    )
    made.add_argument("--version", action="version", version=f"sightd {version.VERSION}")
    return made


def main() -> None:
    """Check everything that can be checked, then serve."""
    arguments = parser().parse_args()
    try:
        settings = load(arguments.config, options(arguments)).settings
        vet(checkpoint_folder(settings.model))
        refuse_exposure(settings)
    except (ConfigError, CheckpointError) as error:
        sys.stderr.write(f"sightd cannot start:\n{error}\n")
        sys.exit(CONFIG_STATUS)
    logs.configure(settings.logging, "front")
    Front(settings).run()
