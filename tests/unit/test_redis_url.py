import pytest
from channels_redis.utils import create_pool
from django.core.exceptions import ImproperlyConfigured

from base.redis_url import parse_redis_url


def test_one_address():
    assert parse_redis_url("redis://localhost:6379/0") == [{"address": "redis://localhost:6379/0"}]


def test_addresses_separated_by_commas_are_shards():
    assert parse_redis_url("redis://a/0, rediss://:secret@b:6380/1") == [
        {"address": "redis://a/0"},
        {"address": "rediss://:secret@b:6380/1"},
    ]


def test_sentinels_and_the_password_of_the_primary():
    assert parse_redis_url("sentinel://:s%40crt@a:26379,[::1]:26380/chat?db=2") == [
        {"sentinels": [("a", 26379), ("::1", 26380)], "master_name": "chat", "password": "s@crt", "db": 2}
    ]


@pytest.mark.parametrize(
    "value",
    [
        "redis://a/0",
        "rediss://u:p@a:6380/0",
        "unix:///run/redis.sock",
        "sentinel://a:26379/chat",
        "redis://a,redis://b",
    ],
)
def test_channels_redis_understands_what_comes_out(value):
    for host in parse_redis_url(value):
        create_pool(host)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "localhost",
        "http://a",
        "redis://a,,redis://b",
        "sentinel://a/chat",
        "sentinel://a:1",
        "sentinel://a:1/c?db=x",
    ],
)
def test_anything_else_is_one_sentence_that_says_what_was_expected(value):
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: .*expected redis://[^\n]*$"):
        parse_redis_url(value)


def test_the_sentence_keeps_the_password_to_itself():
    with pytest.raises(ImproperlyConfigured) as error:
        parse_redis_url("http://user:hunter2@a")
    assert "hunter2" not in str(error.value)
