import re

import pytest

from channels_live.observability.request_id import accepted_request_id, request_id_of


def test_the_id_of_nginx_is_taken():
    scope = {"headers": [(b"host", b"a"), (b"x-request-id", b"0123456789abcdef0123456789abcdef")]}
    assert request_id_of(scope) == "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("value", [None, "", "short", "x" * 65, "two words", 'quo"te-quote', "line\nbreak-line"])
def test_anything_else_is_replaced(value):
    made = accepted_request_id(value)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert made != accepted_request_id(value)
