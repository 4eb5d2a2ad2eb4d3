"""The counter of requests that nginx refuses, beside a real nginx."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import Process, Stack, ports
from deploy.local.process import ProcessFailed
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.nginx_metrics import nginx_metrics
from tests.support.visitors import ALLOWED_AT_ONCE, open_socket, visitor

TOO_MANY = 2 * ALLOWED_AT_ONCE + 5
LIMITS = {
    "HANDSHAKE_RATE": "1",
    # Higher than ACCOUNT_RATE, so that forms exceed their own limit first.
    "REQUEST_RATE": "2",
    "ACCOUNT_RATE": "1",
    "MAX_BODY_KIB": "1",
    "MAX_SOCKETS_PER_ADDRESS": "2",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {**NO_LIMITS, **LIMITS, "REFUSALS_SYSLOG": f"{ports.HOST}:{ports.pick()}"}
    with FeedStack(tmp_path_factory.mktemp("stack"), ws_processes=1, environment=environment) as stack:
        yield stack


@pytest.fixture(scope="module")
def process(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = nginx_metrics(stack, tmp_path_factory.mktemp("log"))
    process.start()
    try:
        process.wait_ready()
        yield process
    finally:
        process.stop()
    assert process.popen
    assert process.popen.returncode == 0


def refused(process: Process) -> dict[str, float]:
    """Return how many requests were rejected by each limit, without limits that rejected none."""
    text = httpx.get(f"{process.url}/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        sample.labels["limit"]: sample.value
        for sample in samples
        if sample.name == "nginx_refused_requests_total" and sample.value
    }


def wait_for(process: Process, expected: dict[str, float]) -> None:
    """Wait until the counters have these values, because nginx sends its syslog messages after the response."""
    deadline = time.monotonic() + 10
    while (found := refused(process)) != expected:
        assert time.monotonic() < deadline, f"{found}, not {expected}"
        time.sleep(0.02)


async def test_each_refusal_is_counted_under_its_limit(stack: Stack, process: Process) -> None:
    expected: dict[str, float] = {}
    assert refused(process) == expected
    with visitor(stack, "127.0.0.2") as client:
        statuses = [client.get("/feed/").status_code for _ in range(TOO_MANY)]
    expected["requests"] = statuses.count(429)
    wait_for(process, expected)
    with visitor(stack, "127.0.0.3") as client:
        statuses = [client.post("/accounts/login/").status_code for _ in range(TOO_MANY)]
    expected["accounts"] = statuses.count(429)
    wait_for(process, expected)
    answers = []
    for _ in range(TOO_MANY):
        answer, writer = await open_socket(stack, "127.0.0.4")
        answers.append(answer.split()[1])
        writer.close()
    expected["handshakes"] = answers.count(b"429")
    wait_for(process, expected)
    opened = [await open_socket(stack, "127.0.0.6") for _ in range(3)]
    assert [answer.split()[1] for answer, _ in opened] == [b"101", b"101", b"429"]
    for _, writer in opened:
        writer.close()
    expected["connections"] = 1
    wait_for(process, expected)
    with visitor(stack, "127.0.0.5") as client:
        assert client.post("/api/feeds/lobby/posts", content=b"x" * 1024).status_code == 401
        assert client.get("/nowhere").status_code == 404
        assert refused(process) == expected
        assert client.post("/api/feeds/lobby/posts", content=b"x" * 1025).status_code == 413
        assert client.get("/feed/", headers={"Host": "evil.example"}).status_code == 421
    wait_for(process, expected | {"body": 1, "host": 1})


def test_datagrams_not_from_nginx_are_counted_as_other(stack: Stack, process: Process) -> None:
    host, _, port = stack.environment["REFUSALS_SYSLOG"].partition(":")
    before = refused(process)
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for line in (b"<190>Nov 24 03:30:00 nginx: made-up-%d" % number for number in range(3)):
            sender.sendto(line, (host, int(port)))
        sender.sendto(b"\xff", (host, int(port)))
    wait_for(process, before | {"other": 4})


@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.1:", "syslog"])
def test_invalid_address_aborts_startup_with_a_one_line_error(stack: Stack, tmp_path: Path, value: str) -> None:
    process = nginx_metrics(stack, tmp_path, REFUSALS_SYSLOG=value)
    process.start()
    with pytest.raises(ProcessFailed, match=r"REFUSALS_SYSLOG.*expected host:port"):
        process.wait_ready()
    assert process.log.read_text().count("\n") == 1
