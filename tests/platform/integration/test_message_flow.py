"""docs/architecture.md names the files that a message passes, and they stay few."""

from tests.support.feed_stack import FeedStack
from tests.support.message_flow import NAMED, STEPS, files_of, functions_passed, traced

# From a socket to the sockets of the same process, and more of them through Redis to other processes.
MOST_WITHIN_A_PROCESS, MOST_THROUGH_REDIS = 12, 4


async def test_a_message_passes_the_files_of_the_table_and_no_others(tmp_path):
    traces = tmp_path / "traces"
    traces.mkdir()
    with traced(FeedStack(tmp_path / "stack", ws_processes=2), traces) as stack:
        entry = {"type": "entry", "text": "hello"}
        passed = await functions_passed(stack, traces, "/ws/feed/news/", "journal.v1", entry)
    files = set().union(*map(files_of, passed.values()))
    assert files - NAMED == set(), "docs/architecture.md, Message flow, lacks these files, which a message passes"
    assert set(STEPS) - files == set(), "docs/architecture.md, Message flow, has steps that a message does not take"
    # What the second process runs after the channel layer is what the first runs without it.
    assert files_of(passed["ws-2"]) & set(STEPS[:MOST_WITHIN_A_PROCESS]) == set(STEPS[7:MOST_WITHIN_A_PROCESS])


def test_a_message_passes_few_files():
    assert len(STEPS) == len(set(STEPS)) <= MOST_WITHIN_A_PROCESS + MOST_THROUGH_REDIS
