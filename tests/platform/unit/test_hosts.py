import pytest
from django.core.exceptions import ImproperlyConfigured

from channels_live.conf.environment import split_items
from channels_live.conf.hosts import parse_form_origins, parse_hosts


@pytest.mark.parametrize("value", ["a,b", "a, b", "a b", " a ,\tb,\n", "a,,b"])
def test_items_of_a_list_are_separated_by_commas_or_blanks(value):
    assert split_items(value) == ["a", "b"]


def test_hosts_are_those_that_django_matches():
    hosts = ["CHAT.example.com", ".example.com", "127.0.0.1", "[::1]", "*", "localhost", "a_b"]
    assert parse_hosts("ALLOWED_HOSTS", hosts) == [host.lower() for host in hosts]


@pytest.mark.parametrize(
    "value",
    [
        "https://a.example",
        "a.example:8443",
        "*.a.example",
        "a.example/",
        "a.example;b.example",
        "::1",
        ".",
        "a..b",
        "'a'",
    ],
)
def test_what_is_no_host_is_one_sentence(value):
    with pytest.raises(ImproperlyConfigured, match=r"^ALLOWED_HOSTS: expected host names without scheme and port"):
        parse_hosts("ALLOWED_HOSTS", ["localhost", value])


def test_form_origins_are_written_as_browsers_send_them():
    given = ["https://A.example:443", "http://b.example:8080", "https://*.c.example"]
    expected = ["https://a.example", "http://b.example:8080", "https://*.c.example"]
    assert parse_form_origins("CSRF_TRUSTED_ORIGINS", given) == expected


@pytest.mark.parametrize("value", ["a.example", "https://a.example/", "https://a.example/app", "*", "wss://a.example"])
def test_what_is_no_form_origin_is_one_sentence(value):
    with pytest.raises(ImproperlyConfigured, match=r"^CSRF_TRUSTED_ORIGINS: expected scheme://host"):
        parse_form_origins("CSRF_TRUSTED_ORIGINS", [value])
