"""`sightd`: reads the configuration and serves, under gunicorn's supervision."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from starlette.types import ASGIApp

from . import journal, logs, version
from .config import ConfigError, Loaded, Settings, load
from .ending import Ending
from .host import Host, Notifier, handed_over
from .listening import taken
from .named import missing_things
from .starting import Starting

CONFIG_STATUS = 78
"""Exit status for a configuration that cannot be used (EX_CONFIG of sysexits.h)."""
TAKEN_STATUS = 1
"""Exit status when an address is taken: a later start may find it free."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108
"""Where gunicorn keeps its worker's sign of life: a disk could stall it."""


class Front(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings and one worker: the engines hold the model, so there must not be two."""

    def __init__(self, settings: Settings, host: Host) -> None:
        self.settings = settings
        self.host = host
        super().__init__()

    def load_config(self) -> None:
        """Gunicorn's own settings."""
        server = self.settings.server
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

    def load(self) -> Starting:
        """The application, imported and made in the worker."""
        return Starting(self._application, self.host.ending)

    def _application(self) -> ASGIApp:
        from .app import create_app

        return create_app(self.settings, self.host)

    def run(self) -> None:
        """Serve until told to stop."""
        Supervisor(self, self.host).run()


class Supervisor(Arbiter):  # type: ignore[misc]
    """gunicorn's arbiter without the signals that would start a second worker, and the model with it."""

    def __init__(self, app: Front, host: Host) -> None:
        self._host = host
        super().__init__(app)

    def stop(self, graceful: bool = True) -> None:
        """End the worker; systemd is told how long that may take."""
        self._host.notifier.stopping(self._host.ending.drain_seconds if graceful else 0)
        super().stop(graceful)

    def murder_workers(self) -> None:
        """What the arbiter does once a second while it serves, and pass on what the worker tells systemd."""
        self._host.notifier.pass_on()
        super().murder_workers()

    def reap_workers(self) -> None:
        """What it does ten times a second while it ends, and pass on what the worker tells systemd."""
        self._host.notifier.pass_on()
        super().reap_workers()

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
    made.add_argument(
        "command",
        nargs="?",
        choices=("serve", "check-config"),
        default="serve",
        help="check-config: say all that is wrong with the configuration and what it names, and end",
    )
    made.add_argument(
        "--files-only",
        action="store_true",
        help="check the settings in files and environment alone: systemd hides credentials from what it runs to reload",
    )
    return made


def refuse(problems: list[str], status: int, notifier: Notifier) -> NoReturn:
    """Exit, with all problems on standard error (errors where that is the journal) and the first as the unit's status,
    which `systemctl status` shows even after systemd has given up."""
    level = "<3>" if journal.wanted("auto") else ""
    sys.stderr.write("".join(f"{level}{line}\n" for line in ("sightd cannot start:", *problems)))
    more = f" ({len(problems) - 1} more: journalctl -u sightd)" if len(problems) > 1 else ""
    notifier.failing(f"sightd cannot start: {problems[0]}{more}")
    sys.exit(status)


def checked(arguments: argparse.Namespace, notifier: Notifier) -> Loaded:
    """The configuration, after everything that can be checked was; exits if there are problems."""
    try:
        loaded = load(arguments.config, options(arguments))
        problems = [] if arguments.files_only else missing_things(loaded)
    except ConfigError as error:
        problems = [str(problem) for problem in error.problems]
    if problems:
        refuse(problems, CONFIG_STATUS, notifier)
    return loaded


def main() -> None:
    """Check everything that can be checked, then serve."""
    notifier = Notifier.from_environment()
    arguments = parser().parse_args()
    if arguments.files_only:
        os.environ.pop("CREDENTIALS_DIRECTORY", None)
        # Why a reload was refused is not the status of the service, which goes on.
        notifier = Notifier(None)
    settings = checked(arguments, notifier).settings
    if arguments.command == "check-config":
        return
    logs.configure(settings.logging, "front")
    ending = Ending(settings.server.drain_seconds, handed_over())
    if not ending.handed_over and (complaint := taken(settings.server.bind)):
        refuse([complaint], TAKEN_STATUS, notifier)
    Front(settings, Host(lambda: load(arguments.config, options(arguments)).settings, notifier, ending)).run()
