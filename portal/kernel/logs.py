"""Logs: one JSON document a line on standard error, with the request's id; plain lines for a person's terminal."""

import logging
import sys
from typing import Any

import structlog
from flask import Flask
from structlog.tracebacks import ExceptionDictTransformer

WITHOUT_VALUES = ExceptionDictTransformer(show_locals=False)
"""Traces say where, never with which values: those hold passwords, tokens and addresses."""
QUIET = ("werkzeug", "rq.worker", "rq.scheduler", "engineio", "socketio", "alembic")


def init_app(app: Flask) -> None:
    """Set up logging for this process: ``PORTAL_LOG`` is ``json``, ``plain`` or empty (plain on a terminal)."""
    wanted = app.config.get("PORTAL_LOG") or ("plain" if sys.stderr.isatty() else "json")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any] = (
        [structlog.processors.ExceptionRenderer(WITHOUT_VALUES), structlog.processors.JSONRenderer()]
        if wanted == "json"
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
