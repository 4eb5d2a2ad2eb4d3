"""nginx serves the hosts of ALLOWED_HOSTS, matched as Django does."""

import socket
from pathlib import Path

import httpx
import pytest

from tests.support.feed_stack import FeedStack

LONG = ".".join(["x" * 60] * 4)
ALLOWED = ["localhost", "chat.example.com", "example.org", "any.depth.example.org", "[::1]", LONG]
FOREIGN = ["evil.example", "sub.chat.example.com", "notexample.org", "127.0.0.1", "chat.example.com.evil.example"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    hosts = f"localhost, chat.example.com,.example.org,[::1],{LONG}"
    with FeedStack(tmp_path_factory.mktemp("hosts"), ws_processes=1, environment={"ALLOWED_HOSTS": hosts}) as stack:
        yield stack


@pytest.mark.parametrize("port", ["", ":8080"])
@pytest.mark.parametrize("host", ALLOWED)
def test_allowed_host_is_served(stack, host, port):
    assert httpx.get(f"{stack.url}/feed/", headers={"Host": host + port}).status_code == 200


@pytest.mark.parametrize("path", ["/feed/", "/ws/feed/lobby/", "/static/web/site.css", "/api/feeds/lobby/posts"])
@pytest.mark.parametrize("host", FOREIGN)
def test_other_host_is_answered_421_by_nginx(stack, host, path):
    answer = httpx.get(stack.url + path, headers={"Host": host})
    assert answer.status_code == 421
    assert "ALLOWED_HOSTS" in answer.text


@pytest.mark.parametrize("path", ["/feed/", "/ws/feed/lobby/", "/static/web/site.css"])
@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("evil.example", "localhost")])
def test_request_line_with_another_host_is_answered_421(stack, path, hosts):
    named, sent = hosts
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(f"GET http://{named}{path} HTTP/1.1\r\nHost: {sent}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("host", ["LocalHost", "chat.example.com.", "localhost:80"])
def test_request_line_with_the_same_host_is_served(stack, host):
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        request = f"GET http://{host}/feed/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 200 ")


def test_other_host_is_answered_400_by_web_without_nginx(stack):
    assert httpx.get(f"{stack.process('web').url}/feed/", headers={"Host": "evil.example"}).status_code == 400


def test_health_is_served_to_any_host(stack):
    assert httpx.get(f"{stack.url}/healthz", headers={"Host": "10.1.2.3:8080"}).text == "ok\n"


def test_star_allows_any_host(tmp_path: Path):
    with FeedStack(tmp_path, ws_processes=1, environment={"ALLOWED_HOSTS": "*"}) as stack:
        assert httpx.get(f"{stack.url}/feed/", headers={"Host": "whatever.example"}).status_code == 200
