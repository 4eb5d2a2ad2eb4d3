"""A network that can be cut: ``python -m tests.platform.faults.proxy LISTEN_PORT TARGET_PORT`` passes bytes on.

While the process is stopped (SIGSTOP) bytes are swallowed and connections stay, as where a cable is cut.
"""

import asyncio
import contextlib
import os
import sys

from deploy.local import Process, Stack, ports
from deploy.local.process import answers_redis_ping
from deploy.local.stack import ROOT

PYTHONPATH = os.pathsep.join([str(ROOT / "src"), str(ROOT)])


def redis_proxy(stack: Stack) -> Process:
    """Return a process that stands in front of the stack's Redis."""
    redis, port = stack.process("redis"), ports.pick()
    before, _, target = redis.url.removesuffix("/0").rpartition(":")
    command = [sys.executable, "-m", "tests.platform.faults.proxy", str(port), target]
    return Process(
        "proxy",
        "proxy",
        f"{before}:{port}/0",
        command,
        stack.directory / "log" / "proxy.log",
        answers_redis_ping,
        environment={**stack.environment, "PYTHONPATH": PYTHONPATH},
    )


async def main(listen_port: int, target_port: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            their_reader, their_writer = await asyncio.open_connection(ports.HOST, target_port)
            await asyncio.gather(_pass_on(reader, their_writer), _pass_on(their_reader, writer))
        writer.close()

    async with await asyncio.start_server(serve, ports.HOST, listen_port) as server:
        await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
