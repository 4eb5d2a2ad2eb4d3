"""Session cookies that nobody was given. PostgreSQL refuses a NUL: make test-postgres runs these tests too."""

import pytest
from django.test import Client

from channels_live.middleware.session_user import load

pytestmark = pytest.mark.django_db


def test_a_page_takes_a_cookie_that_cannot_be_a_session_for_none():
    # Quoted as in RFC 2109: Django reads \000 as NUL.
    assert Client().get("/accounts/login/", headers={"cookie": r'sessionid="\000aaaaaaaaaa"'}).status_code == 200


@pytest.mark.parametrize("key", ["\0aaaaaaaaaa", "AAAAAAAAAAAA", "a" * 20 + "\xff"], ids=ascii)
def test_a_socket_asks_the_database_for_no_such_session(key, django_assert_num_queries):
    with django_assert_num_queries(0):
        _, user = load(key)
    assert not user.is_authenticated
