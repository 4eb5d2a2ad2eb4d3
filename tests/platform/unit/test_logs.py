import io
import json
import logging
import sys

import pytest
import structlog
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.contextvars import bound_contextvars

from channels_live.observability import logs


@pytest.fixture(autouse=True)
def structlog_as_before():
    """Other tests capture what loggers say that keep the configuration with which they were used first."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def lines(monkeypatch, request):
    """Apply the settings of production, and return the lines so far."""
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure(logs.logging_settings("INFO", getattr(request, "param", "json")))
    # A logger that is used here first must not keep this configuration: other tests capture what it says.
    structlog.configure(cache_logger_on_first_use=False)
    yield lambda: output.getvalue().splitlines()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    logging.getLogger("channels_redis.pubsub").filters.clear()


def test_lines_of_the_standard_library_and_of_structlog_look_the_same(lines):
    with bound_contextvars(request_id="abc"):
        logging.getLogger("django").warning("Hello %s", "world")
        structlog.get_logger("web.access").info("request", status=200)
    first, second = map(json.loads, lines())
    assert first.pop("time").endswith("Z")
    assert second.pop("time").endswith("Z")
    assert first == {"event": "Hello world", "level": "warning", "logger": "django", "request_id": "abc"}
    assert second == {
        "event": "request",
        "level": "info",
        "logger": "web.access",
        "request_id": "abc",
        "status": 200,
    }


def test_an_error_is_one_line_with_its_trace(lines):
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        logging.getLogger("any").exception("It failed")
    (line,) = map(json.loads, lines())
    assert line["level"] == "error"
    assert "Traceback" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert "ValueError: broken" in line["exception"]


@pytest.mark.parametrize("lines", ["console"], indirect=True)
def test_readable_lines_show_the_trace_and_no_local_variables(lines):
    planted = "planted" + "-secret"
    try:
        raise ValueError(f"{len(planted)} characters")
    except ValueError:
        structlog.get_logger("any").exception("It failed", room="lobby")
    text = "\n".join(lines())
    assert "It failed" in text
    assert "room=lobby" in text
    assert "ValueError: 14 characters" in text
    assert planted not in text


def test_what_is_below_the_level_is_dropped(lines):
    structlog.get_logger("any").debug("no")
    logging.getLogger("any").debug("no")
    assert lines() == []


def test_an_outage_of_redis_is_one_line_and_the_next_outage_another(lines, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)

    def fail(seconds: int) -> None:
        nonlocal now
        for _ in range(seconds):
            now += 1
            try:
                raise RedisConnectionError("Error 111 connecting")
            except RedisConnectionError:
                logging.getLogger("channels_redis.pubsub").exception("Unexpected exception in receive task")

    fail(100)
    now += logs.OUTAGE_SECONDS + 1
    fail(100)
    first, second = map(json.loads, lines())
    assert first["event"] == "Unexpected exception in receive task: ConnectionError: Error 111 connecting"
    assert "exception" not in first
    assert second["event"] == first["event"]


def test_other_errors_of_the_channel_layer_keep_their_trace(lines):
    for _ in range(2):
        try:
            raise KeyError("room")
        except KeyError:
            logging.getLogger("channels_redis.pubsub").exception("Unexpected exception in receive task")
    assert [("Traceback" in json.loads(line)["exception"]) for line in lines()] == [True, True]


@pytest.mark.parametrize(
    ("path", "host", "refusal"),
    [("/", "evil.example", "DisallowedHost"), ("/accounts/login/?" + "a=&" * 1001, "testserver", "TooManyFields")],
)
@pytest.mark.django_db
def test_a_request_that_django_refuses_is_no_error(lines, path, host, refusal):
    assert Client().get(path, headers={"host": host}).status_code == 400
    (line,) = [line for line in map(json.loads, lines()) if refusal in line["logger"]]
    assert line["level"] == "warning"
    assert "exception" not in line


def test_gunicorn_names_the_path_of_a_broken_request_without_its_query():
    record = logging.LogRecord("gunicorn.error", 40, "", 1, "Error handling request %s %s", ("GET", "/a?token=x"), None)
    logs.WithoutQuery().filter(record)
    assert record.getMessage() == "Error handling request GET /a"


HOSTILE = "a\x1b[31m\x07\r\n2026-01-01 [info] forged\x7f\x9b2J\u202e\u2066\u2028\ud800\ufeff\U000e0041\x00b"


def log_hostile_texts() -> None:
    """Log them where strangers can put them: in the event, its arguments, its values, in errors and their traces."""
    logging.getLogger("any").warning("Hello %s", HOSTILE)
    structlog.get_logger("any").warning(HOSTILE, path=HOSTILE, raw=HOSTILE.encode(errors="replace"), items=[HOSTILE])
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("any").exception("It failed")


def test_json_says_what_strangers_wrote_and_holds_nothing_that_acts(lines):
    log_hostile_texts()
    assert all(line.isprintable() and line.encode() for line in lines())
    first, second, third = map(json.loads, lines())
    assert first["event"] == f"Hello {HOSTILE}"
    assert second["path"] == HOSTILE
    assert third["exception"].endswith(f"ValueError: {HOSTILE}")


@pytest.mark.parametrize("lines", ["console"], indirect=True)
def test_readable_lines_hold_nothing_that_acts_and_strangers_add_none(lines):
    log_hostile_texts()
    assert all(line.isprintable() and line.encode() for line in lines())
    # Two lines, and one whose trace is indented.
    assert len([line for line in lines() if not line.startswith("    ")]) == 3
    assert r"a\x1b[31m\x07\r\n2026-01-01" in lines()[0]
    assert r"path=" in lines()[1]


def test_a_locale_without_unicode_loses_no_line(monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        logs.configure(logs.logging_settings("INFO", "json"))
        logging.getLogger("any").warning("部屋")
        sys.stdout.flush()
        assert json.loads(buffer.getvalue().decode())["event"] == "部屋"
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


@pytest.mark.parametrize(
    "what", ["HTTP request line: 'GET /é?token=x'", 'HTTP Header: "Cookie: it\'s=x"', "HTTP Version: x"]
)
def test_gunicorn_says_why_it_refused_a_request_and_quotes_nothing_of_it(what):
    record = logging.LogRecord("gunicorn.error", 30, "", 1, f"Invalid request from ip=::1: Invalid {what}", None, None)
    logs.WithoutQuery().filter(record)
    assert record.getMessage() == f"Invalid request from ip=::1: Invalid {what.partition(':')[0]}"
