"""Logging: structlog everywhere, other libraries' records included; fields of systemd's journal where standard error
leads there, coloured text on a terminal, JSON lines otherwise.

One canonical line per request is written by `sightd.api.requestlog`; prompts and answers are never logged unless
`logging.prompts` says so.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from . import journal
from .config.logging import Logging

JSON = structlog.processors.JSONRenderer(ensure_ascii=False)
QUIET = ("httpx", "httpcore", "urllib3", "asyncio", "PIL", "multipart", "python_multipart")


def configure(settings: Logging, process: str) -> None:
    """Set up logging for this process; `process` names it in every line (front, engine, decoder)."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _, __, event: {**event, "process": process},
        structlog.processors.format_exc_info,
        one_line,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    to_journal = journal.wanted(settings.format)
    handler = journal.JournalHandler() if to_journal else logging.StreamHandler(sys.stderr)
    last = JSON if to_journal else renderer(settings)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(last, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=settings.level.upper(), force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Change how much is logged."""
    logging.getLogger().setLevel(level.upper())


def renderer(settings: Logging) -> Processor:
    """The last step: a JSON object, or coloured text for people."""
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    if console:
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return JSON


def one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Control characters in values become escapes, so that nothing a client sends can forge a line."""
    return {key: value if key == "exception" else escape(value) for key, value in event.items()}


def escape(value: Any) -> Any:
    """A string with control characters and lone surrogates spelled out; anything else as it is."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger by name."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
