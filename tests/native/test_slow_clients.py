"""Slow clients occupy connections of nginx for CLIENT_TIMEOUT, and no thread of web."""

import asyncio
from asyncio import StreamReader, StreamWriter

import httpx

from deploy.local import Stack, ports
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.visitors import limited_lines

HALF_OPEN = 1000
SLOW_BODIES = 200
HEAD = "POST /api/feeds/lobby/posts HTTP/1.1\r\nHost: {host}\r\nContent-Length: 60000\r\n\r\n"


async def begin(stack: Stack, text: str) -> tuple[StreamReader, StreamWriter]:
    """Open a connection, and send the beginning of a request."""
    reader, writer = await asyncio.open_connection(ports.HOST, stack.port)
    writer.write(text.encode())
    await writer.drain()
    return reader, writer


async def ended(reader: StreamReader) -> None:
    """Wait until the server closes or resets the connection."""
    try:
        while await reader.read(4096):
            pass
    except ConnectionResetError:
        pass


async def test_unfinished_requests_are_closed_and_delay_no_other(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment={**NO_LIMITS, "CLIENT_TIMEOUT": "2"}) as stack:
        host = stack.url.removeprefix("http://")
        texts = [f"GET /feed/ HTTP/1.1\r\nHost: {host}\r\nX-Slow: "] * HALF_OPEN
        texts += [HEAD.format(host=host) + '{"text": "'] * SLOW_BODIES
        slow = [await begin(stack, text) for text in texts]
        async with httpx.AsyncClient(timeout=5) as client:
            # More requests than web has threads, which slow bodies would occupy if nginx forwarded them.
            answers = await asyncio.gather(*(client.get(f"{stack.url}/feed/") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        async with asyncio.timeout(30):
            await asyncio.gather(*(ended(reader) for reader, _ in slow))
        assert {line["status"] for line in limited_lines(stack, "slow")} == {408}
        for _, writer in slow:
            writer.close()


async def test_request_finished_within_client_timeout_is_served(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment={"CLIENT_TIMEOUT": "3"}) as stack:
        host = stack.url.removeprefix("http://")
        reader, writer = await begin(stack, f"GET /feed/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Slow: ")
        await asyncio.sleep(1)  # the pause is what is tested
        writer.write(b"yes\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
