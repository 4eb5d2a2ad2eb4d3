"""Responses to pages, the API and handshakes while web or ws is down."""

import json
from pathlib import Path

import httpx
import pytest
import websockets

from tests.support.feed_stack import FeedStack


def test_nginx_answers_503_while_web_is_down(tmp_path: Path) -> None:
    with FeedStack(tmp_path, ws_processes=1) as stack, httpx.Client(base_url=stack.url, timeout=20) as visitor:
        stack.process("web").stop()
        for answer in (visitor.get("/feed/lobby/"), visitor.post("/accounts/login/", data={"username": "alice"})):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
            assert answer.headers["x-request-id"]
            assert "ただいま接続できません" in answer.text
            assert "Back in a moment" in answer.text
        style = visitor.get("/errors/error.css")
        assert (style.status_code, style.headers["content-type"]) == (200, "text/css")
        assert "retry-after" not in style.headers

        answer = visitor.get("/api/feeds/lobby/posts")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["error"]["code"] == "unavailable"

        stack.process("web").start()
        stack.process("web").wait_ready()
        answer = visitor.get("/feed/lobby/")
        assert answer.status_code == 200
        assert "retry-after" not in answer.headers
        # Error pages are internal.
        assert visitor.get("/errors/503.html").status_code == 404


async def test_handshake_is_answered_503_with_json_while_ws_is_down(tmp_path: Path) -> None:
    with FeedStack(tmp_path, ws_processes=1) as stack:
        stack.process("ws-1").stop()
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(stack.url.replace("http", "ws") + "/ws/feed/lobby/", origin=stack.url)
    answer = refused.value.response
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert json.loads(answer.body)["error"]["code"] == "unavailable"
