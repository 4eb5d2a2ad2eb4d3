"""Logs of both services: one line per event on standard output, as JSON or readable.

Lines of the standard library's loggers (Django, Gunicorn, Daphne, channels-redis) and of structlog's look the same:
``time``, ``level``, ``logger``, ``event``, ``request_id`` during a request, ``exception`` with the traceback of an
error, and fields of the event. Message texts, cookies, tokens and query strings are never logged.

Characters that are not printable are escaped, so that input from clients cannot forge lines or control a terminal.
Every line is UTF-8.
"""

import io
import json
import logging
import logging.config
import re
import sys
import time
from typing import Any

import structlog
from redis.exceptions import RedisError
from structlog.typing import EventDict, Processor, WrappedLogger

# channels-redis retries every second; after so long without an error, the next one begins a new outage.
OUTAGE_SECONDS = 30.0

# Reasons why Django refuses a request (django.core.exceptions.SuspiciousOperation); each has a logger of its name.
REFUSED = (
    "DisallowedHost",
    "DisallowedRedirect",
    "RequestDataTooBig",
    "SuspiciousFileOperation",
    "SuspiciousMultipartForm",
    "SuspiciousOperation",
    "TooManyFieldsSent",
    "TooManyFilesSent",
)

EVERY_LINE: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]
# The text after this is input of the client.
REFUSED_BY_GUNICORN = re.compile(r"Invalid request from ip=\S+: [^:'\"]*")

_render_json = structlog.processors.JSONRenderer(ensure_ascii=False)


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
                    structlog.processors.format_exc_info,
                    *([_json_line] if log_format == "json" else [_with_printable_values, _console()]),
                ],
            }
        },
        "filters": {
            "once_per_outage": {"()": OncePerOutage},
            "refused": {"()": Refused},
            "without_query": {"()": WithoutQuery},
        },
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            # Django's own handlers would print each line twice, and try to send mail.
            "django": {"handlers": [], "propagate": True},
            # Below ERROR it repeats the access line of each 4xx response.
            "django.request": {"level": "ERROR"},
            # Below INFO it writes SQL with values, such as messages.
            "django.db.backends": {"level": "INFO"},
            # Below ERROR it writes a line per login attempt, without the user; the metric logins_total counts them.
            "axes": {"level": "ERROR"},
            "channels_redis.pubsub": {"filters": ["once_per_outage"]},
            **{f"django.security.{name}": {"filters": ["refused"]} for name in REFUSED},
        },
    }


def configure(settings: dict[str, Any]) -> None:
    """Apply LOGGING, also to structlog; Django calls this as its LOGGING_CONFIG."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # In a locale that is not UTF-8, a line with a name in Japanese would be a UnicodeEncodeError.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
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


def use_loggers_of_the_project() -> None:
    """Send structlog's events to the standard library's loggers, unless the project has configured structlog.

    Levels, handlers and formats are then those of the project's LOGGING; by default structlog prints every event.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.LogfmtRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, without the details in which PostgreSQL quotes the row."""
    return str(error).partition("\n")[0]


def printable(text: str) -> str:
    """Return a text with an escape (``\\x1b``, ``\\n``, ``\\u202e``) for each character that is not printable.

    These are Unicode's controls, formats such as bidi overrides, surrogates, line separators, and what is unassigned.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class OncePerOutage(logging.Filter):
    """Passes the first connection error of an outage, without its traceback, and drops the following ones.

    For a logger that writes a traceback with every attempt to reconnect. An outage ends after OUTAGE_SECONDS without
    an error.
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


class Refused(logging.Filter):
    """Turns an error of Django into a warning without traceback, since any client can cause it with a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
        return True


class WithoutQuery(logging.Filter):
    """Removes quotes of requests from Gunicorn's lines: query strings, and malformed headers.

    What remains is the path of a failed request, or the reason for which a request was refused.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without_query(argument) for argument in record.args)
        if refused := REFUSED_BY_GUNICORN.match(record.getMessage()):
            record.msg, record.args = refused[0], ()
        return True


def _without_query(argument: object) -> object:
    return argument.partition("?")[0] if isinstance(argument, str) else argument


def _json_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    line = str(_render_json(logger, method, event))
    if line.isprintable():
        return line
    # JSON escapes ASCII control characters except DEL. Other unprintable ones occur in strings only, where an escape
    # is equivalent.
    return "".join(c if c.isprintable() else "\\u007f" if c == "\x7f" else json.dumps(c)[1:-1] for c in line)


def _with_printable_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if name == "exception":
            # Indented, so that a line of an error's text cannot be mistaken for a line of the log.
            event[name] = "\n".join(f"    {printable(line)}" for line in str(value).split("\n"))
        elif not isinstance(value, int | float | None):
            event[name] = printable(value if isinstance(value, str) else repr(value))
    return event


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        timestamp_key="time",
        colors=sys.stdout.isatty(),
        # The traceback is a text here, of which structlog's default formatter warns.
        exception_formatter=structlog.dev.plain_traceback,
    )
