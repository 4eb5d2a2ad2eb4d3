"""Names of rooms that want to be more than names: to the database, to the channel layer, to whoever reads paths."""

import json
from urllib.parse import quote

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

# As they stand in an address.
NAMES = {
    "SQL that ends the text": quote("lobby' OR '1'='1"),
    "SQL of its own": quote("x'; DROP TABLE chat_message; --"),
    "SQL's wildcards": quote("%"),
    "a group of the channel layer": quote("chat.lobby"),
    "channels-redis' own prefix": quote("asgi__group__lobby"),
    "a pattern of Redis": quote("lob*"),
    "an end of line and a command of Redis": quote("lobby\r\nFLUSHALL\r\n"),
    "NUL": "lobby%00",
    "half of a surrogate pair": "%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "encoded twice": "lobby%252F..%252Fadmin",
    "a path": "..%2F..%2Fadmin",
    "a dot": "%2e",
    "markup": quote("<script>alert(1)</script>", safe=""),
    "a template": quote("{{ 7 * 7 }}"),
    "format characters": quote("lob\u202eby"),
    "as long as fits": "x" * 7000,
}
HUGE = "9" * 64


@pytest.mark.parametrize("name", [name for key, name in NAMES.items() if key != "channels-redis' own prefix"])
async def test_it_is_no_room_anywhere(base_url: str, name: str) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        page = await client.get(f"{base_url}/chat/{name}/")
        assert page.status_code in {400, 404}
        for answer in (
            await client.get(f"{base_url}/api/rooms/{name}/messages"),
            await client.post(f"{base_url}/api/rooms/{name}/messages", json={"message": "hello"}),
        ):
            assert answer.status_code in {400, 404}
    with pytest.raises((ConnectionClosed, InvalidStatus)) as refused:
        async with connect(f"{base_url.replace('http', 'ws', 1)}/ws/chat/{name}/", origin=base_url) as socket:  # type: ignore[arg-type]
            await socket.recv()
    if isinstance(refused.value, InvalidStatus):
        assert refused.value.response.status_code in {400, 404}
    else:
        assert refused.value.rcvd
        assert refused.value.rcvd.code == 4404


@pytest.mark.parametrize("name", [HUGE, "asgi__group__lobby", "None", "true", "-1"])
async def test_what_has_the_form_of_a_name_is_a_room_like_any_other(base_url: str, join, name: str) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        assert (await client.get(f"{base_url}/chat/{name}/")).status_code == 200
        assert (await client.get(f"{base_url}/api/rooms/{name}/messages")).status_code == 200
    async with join(name) as alice:
        await alice.say("hello")
        assert await alice.receive() == {"message": "hello"}


@pytest.mark.parametrize("field", ["after", "before", "limit"])
@pytest.mark.parametrize("value", ["9" * 5000, "1e9", "0x10", "-1", "1 OR 1=1", "%00", "NaN", "١"])
async def test_a_number_that_is_none_is_refused(base_url: str, room: str, field: str, value: str) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.get(f"{base_url}/api/rooms/{room}/messages?{field}={value}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, f"invalid_{field}")


async def test_nobody_gets_into_a_room_by_a_name_that_looks_like_it(join, room: str) -> None:
    others = [room.upper(), f"{room}-", f"_{room}", room.replace("r", "ｒ")]  # full width
    async with join(room) as alice:
        for other in others:
            assert other != room
            async with join(other) as eve:
                await alice.say("a secret")
                assert await alice.receive() == {"message": "a secret"}
                await eve.say("of her own")
                assert json.dumps(await eve.receive()) == '{"message": "of her own"}'


@pytest.mark.parametrize("disguise", ["{}\u115f", "{}\u3164", "{}\u034f", "о{}"], ids=ascii)
async def test_a_new_room_with_a_deceptive_name_is_closed_with_4404(base_url: str, room: str, disguise: str) -> None:
    name = quote(disguise.format(room))
    async with httpx.AsyncClient(timeout=20) as client:
        assert (await client.get(f"{base_url}/chat/{name}/")).status_code == 404
        assert (await client.get(f"{base_url}/api/rooms/{name}/messages")).status_code == 404
    with pytest.raises(ConnectionClosed) as refused:
        async with connect(f"{base_url.replace('http', 'ws', 1)}/ws/chat/{name}/", origin=base_url) as socket:  # type: ignore[arg-type]
            await socket.recv()
    assert refused.value.rcvd
    assert refused.value.rcvd.code == 4404
