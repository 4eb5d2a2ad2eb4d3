import itertools
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from deploy.local import Stack
from tests.platform.faults.drill import WS_PROCESSES, database, table
from tests.support.client import Client
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.load import Outcome
from tests.support.postgres import Server

_rooms = itertools.count(1)
OUTCOMES = pytest.StashKey[list[Outcome]]()
FIGURES = pytest.StashKey[list[str]]()

Enter = Callable[..., AbstractAsyncContextManager[Client]]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = []
    config.stash[FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if outcomes := config.stash[OUTCOMES]:
        terminalreporter.section("fault drills")
        terminalreporter.write_line("\n".join(table(outcomes)))
    if figures := config.stash[FIGURES]:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(figures))


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> list[Outcome]:
    """The drills so far, for the report."""
    return pytestconfig.stash[OUTCOMES]


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines of measured figures, for the report."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def database_environment(postgres: Server | None) -> dict[str, str]:
    return {"DATABASE_URL": postgres.create_database()} if postgres else {}


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory, postgres: Server | None) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("faults")
    with (
        database(directory, postgres) as environment,
        FeedStack(directory, ws_processes=WS_PROCESSES, environment=NO_LIMITS | environment) as stack,
    ):
        yield stack


@pytest.fixture
def stack(shared_stack: Stack, postgres: Server | None) -> Iterator[Stack]:
    """A stack with three ws processes; what a failed test has left broken is mended after it."""
    yield shared_stack
    processes = [*([postgres.process] if postgres else []), *shared_stack.processes]
    for process in processes:
        process.signal(signal.SIGCONT)
        process.start()
    for process in processes:
        process.wait_ready(30)


@pytest.fixture
def room() -> str:
    """A room that no other test enters."""
    return f"fault-{next(_rooms)}"


@pytest.fixture
def enter(stack: Stack, room: str) -> Enter:
    """Enter the room, through one ws process where its name is given."""

    @asynccontextmanager
    async def enter(name: str, process: str = "nginx", after: int = 0) -> AsyncIterator[Client]:
        async with Client(stack.process(process).url, room, name, after) as client:
            await client.wait_for(lambda: client.is_online)
            yield client

    return enter
