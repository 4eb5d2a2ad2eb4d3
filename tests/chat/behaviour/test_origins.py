"""Whose pages may open a socket."""

import pytest
from websockets.exceptions import InvalidStatus


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1.evil.example"])
async def test_a_foreign_origin_is_refused(join, room, origin):
    with pytest.raises(InvalidStatus) as refused:
        async with join(room, origin=origin):
            pass
    assert refused.value.response.status_code == 403
