import pytest
from channels_redis.utils import create_pool
from django.core.exceptions import ImproperlyConfigured

from channels_live.conf import address_without_password, parse_redis_url


def test_one_address():
    assert parse_redis_url("redis://localhost:6379/0") == [{"address": "redis://localhost:6379/0"}]


def test_addresses_separated_by_commas_are_shards():
    assert parse_redis_url("redis://a/0, rediss://:secret@b:6380/1") == [
        {"address": "redis://a/0"},
        {"address": "rediss://:secret@b:6380/1"},
    ]


def test_sentinels_and_the_password_of_the_primary():
    assert parse_redis_url("sentinel://:s%40crt@a:26379,[::1]:26380/chat?db=2") == [
        {
            "sentinels": [("a", 26379), ("::1", 26380)],
            "master_name": "chat",
            "password": "s@crt",
            "db": 2,
            "sentinel_kwargs": {},
        }
    ]


def test_sentinels_with_a_password_of_their_own_and_tls():
    (host,) = parse_redis_url("sentinel://:p@a:26379/chat?ssl=true&sentinel_username=s&sentinel_password=q%26r")
    assert host["ssl"]
    assert host["sentinel_kwargs"] == {"username": "s", "password": "q&r", "ssl": True}


def test_where_redis_is_can_be_shown():
    hosts = parse_redis_url("redis://u:hunter2@a:1/0?db=2, unix:///run/r.sock, rediss://:hunter2@b")
    assert [address_without_password(host) for host in hosts] == ["redis://a:1/0", "unix:///run/r.sock", "rediss://b"]
    (host,) = parse_redis_url("sentinel://:hunter2@a:26379,b:26379/chat?sentinel_password=hunter2")
    assert address_without_password(host) == "sentinel://a:26379,b:26379/chat"


@pytest.mark.parametrize(
    "value",
    [
        "redis://a/0",
        "rediss://u:p@a:6380/0",
        "unix:///run/redis.sock",
        "sentinel://a:26379/chat",
        "redis://a,redis://b",
        "redis://:50%off@a/0",
        "redis://:a@b:c@a/0",
        "rediss://a/0?ssl_cert_reqs=none&socket_timeout=3",
        "sentinel://a:26379/chat?ssl=true&ssl_ca_certs=/ca.pem&sentinel_password=p",
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
        "redis://a/0,",
        "http://user:hunter2@a",
        *(f"redis://:hunter2{character}w@a:6379/0" for character in "/#?[,"),
        *("redis://:12/hunter2@a:6379/0", "redis://:12#hunter2@a:6379/0", "redis://:12?hunter2@a:6379/0"),
        *("redis://a:70000/0", "redis://a:0/0", "redis://a:port/0", "redis://a/db", "redis://"),
        *("sentinel://:hunter2/w@a:1/c", "sentinel://:hunter2#w@a:1/c", "sentinel://a:70000/c"),
    ],
)
def test_anything_else_is_one_sentence_that_says_what_was_expected_and_no_password(value):
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: .*expected redis://[^\n]*$") as error:
        parse_redis_url(value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "option"),
    [
        ("redis://a/0?foo=1", "foo"),
        ("redis://a/0?ssl=true", "ssl"),
        ("redis://a/0?socket_timeout=soon", "socket_timeout"),
        ("rediss://a/0?ssl_cert_reqs=sometimes", "ssl_cert_reqs"),
        ("redis://a/0?protocol=9", "protocol"),
        ("redis://a/0?retry=3", "retry"),
        ("redis://a/0?parser_class=x", "parser_class"),
        ("redis://a/0?decode_responses=true", "decode_responses"),
        ("redis://a/0?encoding=latin-1", "encoding"),
        ("sentinel://a:1/c?foo=1", "foo"),
        ("sentinel://a:1/c?ssl=yes", "ssl"),
        ("sentinel://a:1/c?ssl_ca_certs=/ca.pem", "ssl_ca_certs"),
        ("sentinel://a:1/c?ssl=true&ssl_cert_reqs=sometimes", "ssl_cert_reqs"),
    ],
)
def test_an_option_that_nothing_would_use_is_named(value, option):
    with pytest.raises(ImproperlyConfigured, match=rf"^REDIS_URL: .*\b{option}\b"):
        parse_redis_url(value)
