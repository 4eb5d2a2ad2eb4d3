"""The database down: sockets stay, senders get an error they can retry on, nothing is acknowledged."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import httpx
import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Stack
from deploy.local.stack import ROOT
from tests.platform.faults.injections import sqlite_lock, start
from tests.support.client import Client
from tests.support.load import count
from tests.support.postgres import Server

DatabaseAway = Callable[[], AbstractAsyncContextManager[None]]
# A commit that waits for SQLite's lock gives up after 20 s (channels_live.conf.database_url).
REFUSED_SECONDS = 40
TRY_AGAIN_LATER = 1013
NEW_TOKEN = """
from accounts import tokens
from accounts.models import ApiToken, User
token = tokens.new_token()
user = User.objects.create_user("returning")
ApiToken.objects.create(user=user, name="test", digest=tokens.digest(token))
print(token)
"""


@pytest.fixture
def database_away(stack: Stack, postgres: Server | None) -> DatabaseAway:
    """Take the database away: PostgreSQL is stopped, SQLite's write lock is held by somebody else."""

    @asynccontextmanager
    async def away() -> AsyncIterator[None]:
        if postgres is None:
            with sqlite_lock(stack):
                yield
        else:
            postgres.process.stop()
            yield
            await start(postgres.process)

    return away


async def test_senders_are_told_to_try_again_and_their_messages_arrive_once(enter, database_away):
    async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
        await bob.wait_for_delivery(await alice.say("before"))
        async with database_away():
            message_id = await alice.say("while it is away")
            await alice.wait_for(lambda: alice.refusals, REFUSED_SECONDS)
            refusal = alice.refusals[0]
            assert (refusal.id, refusal.code) == (message_id, "unavailable")
            assert refusal.retry_after
            assert list(alice.acknowledged.values()) == [1]
            assert [delivery.content["text"] for delivery in bob.deliveries] == ["before"]
        # The client sends again after retry_after, under the same id.
        await bob.wait_for_delivery(message_id)
        await alice.wait_for(lambda: not alice.unacknowledged)
        assert list(alice.acknowledged.values()) == [1, 2]
        assert count(alice, bob).is_clean
        for member in (alice, bob):
            assert len(member.welcomes) == 1, "the socket was lost"


async def test_who_comes_while_postgres_is_away_is_sent_away_with_1013_and_comes_back(
    stack, room, postgres, database_away
):
    if postgres is None:
        pytest.skip("only on PostgreSQL: SQLite's readers do not wait for its writers")
    alice = Client(stack.process("ws-1").url, room, "alice")
    async with AsyncExitStack() as resources:
        async with database_away():
            await resources.enter_async_context(alice)
            await alice.wait_for(lambda: alice.close_codes or alice.failed_handshakes)
            assert not alice.welcomes
        await alice.wait_for(lambda: alice.is_online)
        await alice.wait_for_delivery(await alice.say("in"))
        assert set(alice.close_codes) == {TRY_AGAIN_LATER}
        assert not alice.failed_handshakes


async def test_who_logs_in_while_postgres_is_away_is_sent_away_with_1013_and_let_in_later(
    stack, room, postgres, database_away
):
    if postgres is None:
        pytest.skip("only on PostgreSQL: SQLite's readers do not wait for its writers")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", NEW_TOKEN),
        env=stack.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    url = f"{stack.process('ws-1').url.replace('http', 'ws', 1)}/ws/feed/{room}/"
    headers = {"Authorization": f"Bearer {output.decode().strip()}"}

    async def log_in() -> str:
        async with connect(url, additional_headers=headers, subprotocols=["journal.v1"]) as socket:
            return str(json.loads(await socket.recv())["type"])

    # The thread for credentials has a connection of its own, which is broken from then on.
    assert await log_in() == "welcome"
    async with database_away():
        with pytest.raises(ConnectionClosed) as closed:
            await log_in()
        assert closed.value.rcvd.code == TRY_AGAIN_LATER
    assert await log_in() == "welcome"


async def test_a_database_that_was_read_only_for_a_moment_is_written_again(stack, enter, postgres):
    if postgres is None:
        pytest.skip("only PostgreSQL has servers that fail over")
    name = stack.environment["DATABASE_URL"].rpartition("/")[2]
    readyz = stack.process("ws-1").url + "/readyz"
    async with AsyncExitStack() as resources:
        admin = resources.enter_context(psycopg.connect(postgres.process.url, autocommit=True))
        probe = await resources.enter_async_context(httpx.AsyncClient())

        def fail_over(read_only: str) -> None:
            admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {read_only}".encode())

        async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
            await bob.wait_for_delivery(await alice.say("before"))
            fail_over("on")
            try:
                # As a server does that was demoted; who connects again reaches it once more.
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                message_id = await alice.say("while it is read-only")
                await alice.wait_for(lambda: alice.refusals)
                assert (alice.refusals[0].id, alice.refusals[0].code) == (message_id, "unavailable")
                assert alice.refusals[0].retry_after
                answer = await probe.get(readyz)
                assert answer.status_code == 200
                assert (answer.json()["status"], answer.json()["database"]) == ("degraded", "read-only")
                # Reading goes on, so who comes is let in.
                async with enter("carol", "ws-3", after=1) as carol:
                    assert carol.welcomes
            finally:
                fail_over("off")
            # No connection is cut this time: those that are still read-only must be found.
            await bob.wait_for_delivery(message_id)
            await alice.wait_for(lambda: not alice.unacknowledged)
            assert count(alice, bob).is_clean
            for member in (alice, bob):
                assert len(member.welcomes) == 1, "the socket was lost"
        assert (await probe.get(readyz)).json()["database"] == "ok"
