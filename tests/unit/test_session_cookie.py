"""Invalid session cookies. PostgreSQL rejects NUL, so make test-postgres runs these tests too."""

import pytest
from django.test import Client

from channels_live.middleware.session_user import load

pytestmark = pytest.mark.django_db


def test_invalid_session_cookie_is_ignored_by_pages():
    # Quoted as in RFC 2109; Django decodes \000 to NUL.
    assert Client().get("/accounts/login/", headers={"cookie": r'sessionid="\000aaaaaaaaaa"'}).status_code == 200


@pytest.mark.parametrize("key", ["\0aaaaaaaaaa", "AAAAAAAAAAAA", "a" * 20 + "\xff"], ids=ascii)
def test_invalid_session_cookie_causes_no_query_in_ws(key, django_assert_num_queries):
    with django_assert_num_queries(0):
        _, user = load(key)
    assert not user.is_authenticated
