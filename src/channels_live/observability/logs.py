"""Logs of both services: one line per event on standard output, as JSON or readable.

Lines of the standard library's loggers (Django, Gunicorn, Daphne, channels-redis) and of structlog's look the same:
``time``, ``level``, ``logger``, ``event``, ``request_id`` where a request is served, ``exception`` with the trace of an
error, and what the event itself brings. Message texts, cookies, tokens and query strings are never among it.

What strangers send acts on no terminal and on no reader of lines: characters that are not printable are escaped, and
every line is UTF-8.
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

# channels-redis tries again every second; after a silence this long the next error is a new outage.
OUTAGE_SECONDS = 30.0

# What Django refuses of a request (django.core.exceptions.SuspiciousOperation), each with a logger of its name.
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
# What follows is what was sent.
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
            # Django's own handlers would print twice, and mail nobody.
            "django": {"handlers": [], "propagate": True},
            # Below ERROR it repeats the access line of each 4xx.
            "django.request": {"level": "ERROR"},
            # Below INFO it writes SQL with its values, which are messages.
            "django.db.backends": {"level": "INFO"},
            # Of every attempt to log in it tells, without saying whose: the metric logins_total does too.
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
    """Send structlog's events to the standard library's loggers, where nobody has configured structlog.

    Levels, handlers and formats are those of the project's LOGGING then; structlog by itself would print every event.
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
    """Return what an error says, without the details in which PostgreSQL quotes the row."""
    return str(error).partition("\n")[0]


def printable(text: str) -> str:
    """Return a text with an escape (``\\x1b``, ``\\n``, ``\\u202e``) for each character that is not printable.

    These are Unicode's controls, formats such as bidi overrides, surrogates, line separators, and what is unassigned.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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


class Refused(logging.Filter):
    """Makes a warning without a trace of what Django logs as an error: any stranger can send such a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
        return True


class WithoutQuery(logging.Filter):
    """Leaves out of Gunicorn's lines what it quotes of requests: query strings, and headers that are malformed.

    It names the address of a request that broke, and says why it refused another.
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
    # JSON escapes the ASCII controls but DEL itself; all others can only stand in its strings, where escapes mean them.
    return "".join(c if c.isprintable() else "\\u007f" if c == "\x7f" else json.dumps(c)[1:-1] for c in line)


def _with_printable_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if name == "exception":
            # Indented, so that no line of an error's text passes for a line of the log.
            event[name] = "\n".join(f"    {printable(line)}" for line in str(value).split("\n"))
        elif not isinstance(value, int | float | None):
            event[name] = printable(value if isinstance(value, str) else repr(value))
    return event


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        timestamp_key="time",
        colors=sys.stdout.isatty(),
        # The trace is a text by now; structlog's default, for those that are none, warns of it.
        exception_formatter=structlog.dev.plain_traceback,
    )
