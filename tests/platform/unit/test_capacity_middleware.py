"""ProcessLimit and UserLimit."""

from functools import partial
from typing import Any

import pytest

from channels_live.middleware import ProcessLimit, UserLimit, websocket_middleware
from tests.support.handshakes import OWN_PAGE, HandshakeServer, handshake, with_device


def limits_in_other_order(application: Any) -> Any:
    return with_device(UserLimit(ProcessLimit(application)))


@pytest.mark.parametrize(
    "wrap",
    [partial(websocket_middleware, authentication=with_device, process_limit=None), limits_in_other_order],
    ids=["without the process's limit", "in another order"],
)
async def test_user_limit_works_without_the_process_limit_and_in_any_order(wrap):
    server = HandshakeServer(most_of_user=1)
    results = [await handshake(wrap, query="device=known", server=server, **OWN_PAGE) for _ in range(2)]
    assert [result.username for result, _ in results] == ["toaster", None]
    assert [socket.closed_with for _, socket in results] == [None, 1013]
    first = results[0][1]
    assert server.admission.user_of(first) == 7
    server.admission.leave(first)
    assert (await handshake(wrap, query="device=known", server=server, **OWN_PAGE))[0].username == "toaster"


async def test_process_limit_counts_a_socket_once_in_any_order():
    server = HandshakeServer(most=1)
    results = [await handshake(limits_in_other_order, query="device=known", server=server) for _ in range(2)]
    assert [result.username for result, _ in results] == ["toaster", None]


async def test_user_limit_applies_to_guests_only_with_user_of():
    server = HandshakeServer(most_of_user=1)
    for _ in range(2):
        result, _ = await handshake(websocket_middleware, server=server, **OWN_PAGE)
        assert result.username == ""
    limit = partial(UserLimit, user_of=lambda scope: "everybody")
    wrap = partial(websocket_middleware, user_limit=limit)
    results = [await handshake(wrap, server=server, **OWN_PAGE) for _ in range(2)]
    assert [result.username for result, _ in results] == ["", None]
