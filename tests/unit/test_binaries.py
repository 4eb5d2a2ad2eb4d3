import pytest

from channels_live.testing import redis
from deploy.local import binaries


def program(folder, name: str, output: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty PATH, and no wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in (binaries, redis):
        monkeypatch.setattr(module, "program_in_wheel", lambda *_: None)
    return tmp_path


def test_program_on_path_is_used_if_it_is_new_enough(path):
    program(path, "nginx", "nginx version: nginx/1.28.0")
    program(path, "redis-server", "Redis server v=7.0.15 sha=0")
    assert binaries.find_nginx() == path / "nginx"
    assert binaries.find_redis() == path / "redis-server"


def test_valkey_is_preferred_to_redis(path):
    program(path, "valkey-server", "Server v=8.1.1 sha=0")
    program(path, "redis-server", "Redis server v=7.0.15 sha=0")
    assert binaries.find_redis() == path / "valkey-server"


def test_old_program_without_wheel_raises_what_to_install(path):
    program(path, "nginx", "nginx version: nginx/1.22.1")
    with pytest.raises(binaries.BinaryMissing, match=r"nginx 1\.27\.3 or newer is not on PATH; install it"):
        binaries.find_nginx()


def test_wheel_is_used_if_the_program_is_too_old(path, monkeypatch):
    program(path, "nginx", "nginx version: nginx/1.22.1")
    wheel = path / "wheel-nginx"
    wheel.touch()
    monkeypatch.setattr(binaries, "program_in_wheel", lambda *_: wheel)
    assert binaries.find_nginx() == wheel


def test_a_test_without_redis_is_told_of_the_variable_that_names_one(path):
    with pytest.raises(binaries.BinaryMissing, match="or name a running one in TEST_REDIS_URL"):
        redis.find_redis()
    with pytest.raises(binaries.BinaryMissing, match=r"install it with your package manager\.$"):
        binaries.find_redis()
