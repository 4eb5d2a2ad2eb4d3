"""Logs of both services: one line per event on standard output, as JSON or readable.

Lines of the standard library's loggers (Django, Gunicorn, Daphne, channels-redis) and of structlog's look the same:
``time``, ``level``, ``logger``, ``event``, ``request_id`` where a request is served, ``exception`` with the trace of an
error, and what the event itself brings. Message texts, cookies, tokens and query strings are never among it.
"""

import logging
import logging.config
import sys
import time
from typing import Any

import structlog
from redis.exceptions import RedisError
from structlog.typing import Processor

# channels-redis tries again every second; after a silence this long the next error is a new outage.
OUTAGE_SECONDS = 30.0

EVERY_LINE: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
AS_JSON: list[Processor] = [
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(ensure_ascii=False),
]


def logging_settings(level: str, log_format: str) -> dict[str, Any]:
    """Return Django's LOGGING: everything from ``level`` on, ``log_format`` being ``json`` or ``console``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": EVERY_LINE,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(AS_JSON if log_format == "json" else [_console()]),
                ],
            }
        },
        "filters": {"once_per_outage": {"()": OncePerOutage}, "without_query": {"()": WithoutQuery}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Django's own handlers would print twice, and mail nobody.
            "django": {"handlers": [], "propagate": True},
            # Below ERROR it repeats the access line of each 4xx.
            "django.request": {"level": "ERROR"},
            # Below INFO it writes SQL with its values, which are messages.
            "django.db.backends": {"level": "INFO"},
            # Of every attempt to log in it tells, without saying whose: the metric logins_total does too.
            "axes": {"level": "ERROR"},
            "channels_redis.pubsub": {"filters": ["once_per_outage"]},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """Apply LOGGING, also to structlog; Django calls this as its LOGGING_CONFIG."""
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *EVERY_LINE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def first_line(error: BaseException) -> str:
    """Return what an error says, without the details in which PostgreSQL quotes the row."""
    return str(error).partition("\n")[0]


class OncePerOutage(logging.Filter):
    """Lets the first connection error of an outage through, without its trace, and drops those that follow.

    For a logger that writes a trace with every attempt to connect again. An outage ends with OUTAGE_SECONDS in which
    no attempt failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last = -OUTAGE_SECONDS

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, RedisError | OSError):
            return True
        now = time.monotonic()
        is_new = now - self._last >= OUTAGE_SECONDS
        self._last = now
        record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}: {error}", ()
        record.exc_info = None
        return is_new


class WithoutQuery(logging.Filter):
    """Cuts the query string off each argument that is a path; Gunicorn names the URI of a request that broke."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(argument) for argument in record.args)
        return True


def _without_query(argument: object) -> object:
    return argument.partition("?")[0] if isinstance(argument, str) and argument.startswith("/") else argument


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        timestamp_key="time",
        colors=sys.stdout.isatty(),
        # Where rich is installed, structlog's default shows local variables, which hold secrets.
        exception_formatter=structlog.dev.plain_traceback,
    )
