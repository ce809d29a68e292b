"""Logs as one JSON object a line, without anything that a request held."""

import logging
import sys
import traceback
from typing import Any

import orjson
import structlog

FOREIGN_LOGGERS = ("uvicorn", "kserve", "grpc", "asyncio")
"""Loggers of the frameworks below; only warnings and worse are wanted of them."""


def configure(level: str) -> None:
    """Send this package's events and the frameworks' warnings to standard error as JSON lines."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    for name in FOREIGN_LOGGERS:
        _adopt(logging.getLogger(name))
    # Their lines quote what was asked for: paths, and with them whatever a caller put there.
    for name in ("uvicorn.access", "kserve.trace"):
        logging.getLogger(name).disabled = True


def frames(error: BaseException) -> list[str]:
    """Where ``error`` was raised, innermost last, as ``module file:line function``; never its message."""
    summary = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in summary]


def _adopt(logger: logging.Logger) -> None:
    logger.handlers = [_ForeignHandler()]
    logger.propagate = False
    logger.setLevel(logging.WARNING)


class _ForeignHandler(logging.Handler):
    """Passes on a framework's record without its arguments and its exception's message, which may quote a request."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        fields: dict[str, Any] = {"logger": record.name, "where": f"{record.module}:{record.lineno}"}
        if error is not None:
            fields |= {"type": type(error).__name__, "frames": frames(error)}
        structlog.get_logger("serving").log(record.levelno, "framework", **fields)


def _dumps(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()
