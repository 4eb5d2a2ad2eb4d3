"""The headers that let a page of another origin read a response."""

from typing import Any

from channels_live.middleware.cors import with_cors


async def test_headers_of_a_consumer_are_replaced_and_not_doubled():
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    own = [(b"access-control-allow-origin", b"*"), (b"Content-Type", b"text/event-stream")]
    answer = with_cors(send, "https://app.example.net")
    await answer({"type": "http.response.start", "status": 200, "headers": own})
    await answer({"type": "http.response.body", "body": b"data"})
    names = [name.lower() for name, _ in sent[0]["headers"]]
    assert names.count(b"access-control-allow-origin") == names.count(b"access-control-allow-credentials") == 1
    assert (b"Access-Control-Allow-Origin", b"https://app.example.net") in sent[0]["headers"]
    assert (b"Content-Type", b"text/event-stream") in sent[0]["headers"]
    assert sent[1] == {"type": "http.response.body", "body": b"data"}
