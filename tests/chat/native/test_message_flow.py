"""A message of the chat passes the files that docs/architecture.md names."""

from deploy.local import Stack
from tests.support.message_flow import NAMED, STEPS, files_of, functions_passed, traced


async def test_a_chat_message_passes_the_steps_of_the_package_and_the_files_of_the_chat(tmp_path):
    traces = tmp_path / "traces"
    traces.mkdir()
    with traced(Stack(tmp_path / "stack", ws_processes=2), traces) as stack:
        message = {"type": "message", "message": "hello"}
        passed = await functions_passed(stack, traces, "/ws/chat/news/", "chat.v1", message)
    files = set().union(*map(files_of, passed.values()))
    assert files - NAMED == set(), "docs/architecture.md, Message flow, lacks these files, which a message passes"
    expected = {*STEPS, *(file for file in NAMED if file.startswith("apps/"))}
    assert expected - files == set(), "docs/architecture.md, Message flow, names files that a message does not pass"
