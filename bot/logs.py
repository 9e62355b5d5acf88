"""What the service logs: one line of JSON an event, on standard error, without people and secrets."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

HIDDEN = frozenset({"token", "secret", "email", "phone", "first_name", "body", "url"})


def start_logging(*, level: int = logging.INFO, file: TextIO | None = None) -> None:
    """Every logger writes JSON lines from now on; libraries only speak up when something is wrong.

    ``file`` takes the place of standard error for as long as nobody says otherwise.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file or sys.stderr),
        cache_logger_on_first_use=file is None,
    )
    logging.basicConfig(level=logging.WARNING, stream=file or sys.stderr, format="%(levelname)s %(name)s %(message)s")


def _hide(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A field that may hold a person or a secret is not logged, whoever put it there."""
    return {name: "hidden" if name in HIDDEN else value for name, value in event.items()}
