"""The routing of ws."""

import pytest
from channels.testing import WebsocketCommunicator

HEADERS = [(b"host", b"localhost"), (b"origin", b"http://localhost")]


@pytest.mark.django_db(transaction=True)
async def test_unknown_address_is_accepted_and_closed_with_4404() -> None:
    from ws.asgi import application  # where Django is set up

    nowhere = WebsocketCommunicator(application, "/ws/nowhere/", headers=HEADERS)
    assert await nowhere.connect() == (True, None)
    assert await nowhere.receive_output() == {"type": "websocket.close", "code": 4404}
