"""Counts the requests that nginx refuses, for Prometheus. Runs beside nginx: ``python -m web.nginx_metrics``.

The open-source nginx has no such counter, but sends a syslog line for each refusal (see nginx.conf.template).
"""

import asyncio
import signal

from environs import validate
from prometheus_client import Counter, start_http_server

from base.environment import env, exit_on_invalid_configuration
from channels_live.conf import listen_address

# As nginx.conf.template names them in $exceeded_limit.
LIMITS = (
    *("connections", "handshakes", "requests", "accounts", "body", "header", "slow", "host"),
    *("proxy_protocol", "tls"),
)
HOST_AND_PORT = validate.Regexp(r"([^:]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$", error="expected host:port")

REFUSED = Counter(
    "nginx_refused_requests", "HTTP requests that nginx refused, by the limit that they exceeded.", ["limit"]
)
for _limit in (*LIMITS, "other"):
    REFUSED.labels(_limit)


class Refusals(asyncio.DatagramProtocol):
    """Receives the syslog lines of nginx, whose last word is the limit."""

    def datagram_received(self, data: bytes, _: object) -> None:
        limit = data.rpartition(b" ")[2].decode(errors="replace")
        REFUSED.labels(limit if limit in LIMITS else "other").inc()


def address(name: str) -> tuple[str, int]:
    """Return the host and port of a variable like ``127.0.0.1:8000``. Raises EnvError."""
    host, _, port = listen_address(env.str(name, validate=HOST_AND_PORT)).rpartition(":")
    return host.strip("[]"), int(port)


async def count(syslog: tuple[str, int], metrics: tuple[str, int]) -> None:
    """Count the lines that arrive at ``syslog``, and serve the counter at ``metrics``, until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    transport, _ = await loop.create_datagram_endpoint(Refusals, local_addr=syslog)
    server, _ = start_http_server(metrics[1], metrics[0])
    await stop.wait()
    transport.close()
    server.shutdown()


if __name__ == "__main__":
    with exit_on_invalid_configuration():
        addresses = address("REFUSALS_SYSLOG"), address("BIND")
    asyncio.run(count(*addresses))
