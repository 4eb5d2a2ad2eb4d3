"""The kinds of database errors, with a real database: SQLite, or PostgreSQL in ``make test-postgres``."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from django.db import Error, InternalError, OperationalError, close_old_connections, connection, transaction

from channels_live.database import errors as database_errors
from channels_live.database.errors import Kind, is_read_only, kind_of, log_failure
from channels_live.database.thread import DatabaseThread
from channels_live.journal import GroupCommit, Unavailable, Unprocessable
from channels_live.observability import readiness as health
from tests.support.feeds import Feed, Post, draft, journal

on_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has it")
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite has it")


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def make_read_only() -> None:
    """Make this connection one to a server that takes no writes."""
    execute("SET default_transaction_read_only = on")


def error_of(action: Callable[[], object]) -> Error:
    with pytest.raises(Error) as raised, transaction.atomic():
        action()
    return raised.value


@pytest.fixture
def trigger(empty_feeds: None) -> Iterator[None]:
    """The operator's own rule: the database refuses a text."""
    if connection.vendor == "postgresql":
        execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.text = 'bad' THEN RAISE EXCEPTION 'bad words are not stored'; END IF; RETURN NEW; END $$"
        )
        execute("CREATE TRIGGER refuse BEFORE INSERT ON feeds_post FOR EACH ROW EXECUTE FUNCTION refuse()")
    else:
        execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON feeds_post WHEN NEW.text = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'bad words are not stored'); END"
        )
    yield
    if connection.vendor == "postgresql":
        execute("DROP FUNCTION refuse CASCADE")
    else:
        execute("DROP TRIGGER refuse")


@pytest.fixture
async def thread() -> AsyncIterator[DatabaseThread]:
    thread = DatabaseThread()
    yield thread
    # Looked up in the thread, which has a connection of its own.
    await thread.run(lambda: connection.close())


@pytest.fixture(autouse=True)
def nothing_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_errors, "_logged", {})


@pytest.mark.usefixtures("feed_tables")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT * FROM no_such_table", Kind.SETUP),
        ("SELECT no_such_column FROM feeds_feed", Kind.SETUP),
        ("INSERT INTO feeds_feed (name) VALUES (NULL)", Kind.SETUP),
        pytest.param("SELECT 1/0", Kind.DATA, marks=on_postgres),
        pytest.param("SELECT 'x'::varchar(1), 3000000000::int", Kind.DATA, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$", Kind.DATA, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", Kind.TEMPORARY, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", Kind.TEMPORARY, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '57P03'; END $$", Kind.TEMPORARY, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '08P01'; END $$", Kind.TEMPORARY, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$", Kind.TEMPORARY, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '42501'; END $$", Kind.SETUP, marks=on_postgres),
        pytest.param("DO $$ BEGIN RAISE SQLSTATE '23514'; END $$", Kind.DATA, marks=on_postgres),
        pytest.param("SET LOCAL statement_timeout = 1; SELECT pg_sleep(60)", Kind.TEMPORARY, marks=on_postgres),
    ],
)
def test_kind_of_statement_error(statement, kind):
    assert kind_of(error_of(lambda: execute(statement))) is kind


@pytest.mark.usefixtures("feed_tables")
@pytest.mark.django_db
def test_kind_of_a_row_that_exists_already_is_temporary():
    Feed.objects.create(name="news")
    assert kind_of(error_of(lambda: Feed.objects.create(name="news"))) is Kind.TEMPORARY


@on_postgres
@pytest.mark.usefixtures("feed_tables")
@pytest.mark.django_db
def test_kind_of_a_nul_character_is_data():
    assert kind_of(error_of(lambda: Feed.objects.create(name="a\0b"))) is Kind.DATA


@on_postgres
@pytest.mark.usefixtures("empty_feeds")
def test_kind_of_a_connection_that_the_server_has_ended_is_temporary():
    error = error_of(lambda: execute("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert kind_of(error) is Kind.TEMPORARY


@pytest.mark.parametrize(
    ("error", "kind"),
    [(OperationalError("gone"), Kind.TEMPORARY), (InternalError("?"), Kind.TEMPORARY), (ValueError(), Kind.TEMPORARY)],
)
def test_kind_of_an_error_without_a_code(error, kind):
    assert kind_of(error) is kind


@on_sqlite
@pytest.mark.usefixtures("empty_feeds")
def test_kind_of_a_read_only_file_is_temporary():
    execute("PRAGMA query_only = ON")
    error = error_of(lambda: journal.append([draft(1)]))
    execute("PRAGMA query_only = OFF")
    assert is_read_only(error)
    assert kind_of(error) is Kind.TEMPORARY


@on_postgres
@pytest.mark.usefixtures("empty_feeds")
def test_connection_to_a_read_only_server_is_closed_after_the_request():
    make_read_only()
    error = error_of(lambda: journal.append([draft(1)]))
    assert is_read_only(error)
    assert kind_of(error) is Kind.TEMPORARY
    close_old_connections()
    assert journal.append([draft(1)])[0].seq == 1


@on_postgres
@pytest.mark.usefixtures("empty_feeds")
async def test_database_thread_reconnects_after_the_server_has_ended_its_connection(thread):
    await thread.run(lambda: execute("SELECT 1"))
    pid = await thread.run(lambda: connection.connection.info.backend_pid)
    await asyncio.to_thread(_terminate, pid)
    assert (await thread.run(journal.append, [draft(1)]))[0].seq == 1


def _terminate(pid: int) -> None:
    execute(f"SELECT pg_terminate_backend({pid}, 5000)")
    connection.close()


@on_postgres
@pytest.mark.usefixtures("empty_feeds")
async def test_database_thread_closes_a_connection_older_than_conn_max_age(thread):
    await thread.run(lambda: execute("SELECT 1"))

    def backend() -> tuple[int, float | None]:
        return connection.connection.info.backend_pid, connection.close_at

    def expire() -> int:
        pid, close_at = backend()
        assert close_at is not None
        connection.close_at = 0.0
        return pid

    old = await thread.run(expire)
    await thread.run(lambda: execute("SELECT 1"))
    assert (await thread.run(backend))[0] != old


@on_postgres
@pytest.mark.usefixtures("empty_feeds")
async def test_database_thread_leaves_a_read_only_server_within_the_same_call(thread):
    await thread.run(make_read_only)
    (stored,) = await thread.run(journal.append, [draft(1)])
    assert stored.seq == 1


@on_postgres
@pytest.mark.usefixtures("empty_feeds")
def test_readiness_on_a_read_only_database_is_degraded_and_then_uses_a_new_connection(settings):
    settings.REDIS_HOSTS = []
    make_read_only()
    assert health.readiness() == (200, {"status": "degraded", "database": "read-only"})
    assert health.readiness() == (200, {"status": "ok", "database": "ok"})


async def test_only_the_invalid_draft_of_a_batch_is_refused_and_the_others_keep_their_order(trigger, thread):
    commits = GroupCommit(lambda drafts: thread.run(journal.append, drafts), 100, lambda message: None)
    drafts = [draft(number, text="bad" if number == 7 else "good") for number in range(20)]
    results = await asyncio.gather(*map(commits.append, drafts), return_exceptions=True)
    assert isinstance(results.pop(7), Unprocessable)
    assert [stored.seq for stored in results] == list(range(1, 20))
    assert await thread.run(Post.objects.filter(text="bad").count) == 0


@pytest.mark.usefixtures("empty_feeds")
async def test_missing_table_refuses_entries_for_a_retry_and_is_logged_once(thread, caplog):
    commits = GroupCommit(lambda drafts: thread.run(journal.append, drafts), 100, lambda message: None)
    await thread.run(execute, "ALTER TABLE feeds_post RENAME TO elsewhere")
    try:
        for number in range(2):
            with pytest.raises(Unavailable):
                await commits.append(draft(number))
    finally:
        await thread.run(execute, "ALTER TABLE elsewhere RENAME TO feeds_post")
    (record,) = [record for record in caplog.records if record.name == "channels_live.journal.runtime"]
    assert record.levelno == logging.ERROR
    assert "feeds_post" in record.getMessage()
    assert "apply the migrations" in record.getMessage()
    assert (await commits.append(draft(2))).seq == 1


def test_different_failure_is_logged_at_once(caplog):
    logger = logging.getLogger("feeds")
    for error in (OperationalError("away"), OperationalError("away"), InternalError("broken")):
        log_failure(logger, "Nothing is stored", error)
    assert [record.getMessage() for record in caplog.records] == [
        "Nothing is stored: away",
        "Nothing is stored: broken",
    ]
