"""Requests as proxies send them: large headers, contradictory headers, connections by IPv6."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from deploy.local import Stack, ports
from tests.support.feed_stack import FeedStack
from tests.support.visitors import limited_lines, open_socket

KIB = 32
COOKIES = "; ".join(f"sso{number}={'x' * 4000}" for number in range(7))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"MAX_HEADER_KIB": str(KIB)}
    with FeedStack(tmp_path_factory.mktemp("headers"), ws_processes=1, environment=environment) as stack:
        yield stack


async def test_headers_up_to_max_header_kib_are_accepted_by_nginx_web_and_ws(stack: Stack) -> None:
    # Together as large as nginx accepts, in four headers.
    others = {f"X-Large-{number}": "y" * (KIB * 1024 - 500) for number in range(2)}
    async with httpx.AsyncClient(headers={"Cookie": COOKIES, **others}) as client:
        for path in ("/feed/", f"/feed/?{'x' * (KIB * 1024 - 500)}"):
            assert (await client.get(stack.url + path)).status_code == 200
    answer, writer = await open_socket(stack, Cookie=COOKIES, **others)
    assert b" 101 " in answer
    writer.close()


async def test_larger_headers_are_answered_431_and_logged(stack: Stack) -> None:
    headers = {"Cookie": "x" * (KIB * 1024 + 1)}
    async with httpx.AsyncClient(headers=headers) as client:
        page = await client.get(f"{stack.url}/feed/")
        answer = await client.get(f"{stack.url}/api/feeds/lobby/posts")
    assert (page.status_code, page.headers["content-type"]) == (431, "text/html")
    assert "このサイトのCookieを削除して" in page.text
    assert "Delete the cookies of this site" in page.text
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "headers_too_large")
    answer, writer = await open_socket(stack, **headers)
    assert b" 431 " in answer
    writer.close()
    assert {line["path"] for line in limited_lines(stack, "header")} >= {"/feed/", "/api/feeds/lobby/posts"}


def test_larger_request_line_is_answered_414(stack: Stack) -> None:
    answer = httpx.get(f"{stack.url}/feed/?{'x' * (KIB * 1024 + 1)}")
    assert (answer.status_code, answer.headers["content-type"]) == (414, "text/html")
    assert "アドレスが長すぎます" in answer.text
    assert "Address too long" in answer.text


def test_contradictory_forwarded_headers_are_accepted_by_web(stack: Stack) -> None:
    # Also directly to web, as probes and service meshes do. Gunicorn's defaults would answer 400.
    for url in (stack.url, stack.process("web").url):
        for name, value in {"X-Forwarded-Ssl": "on", "X-Forwarded-Protocol": "ssl"}.items():
            headers = {"X-Forwarded-Proto": "http", name: value}
            assert httpx.get(f"{url}/feed/", headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["web", "ws-1"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_services_listen_on_ipv4_and_ipv6(stack: Stack, name: str, host: str) -> None:
    port = ports.pick()
    process = stack.process(name)
    before = process.environment
    process.stop()
    process.environment = {**before, "BIND": f"*:{port}"}
    process.url = f"http://{'[::1]' if host == '::1' else host}:{port}"
    try:
        process.start()
        process.wait_ready()
        with socket.create_connection((host, port), 5):
            pass
    finally:
        process.stop()
        process.environment, process.url = before, f"http://{before['BIND']}"
        process.start()
        process.wait_ready()
