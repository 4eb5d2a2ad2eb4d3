from tests.support.redis import redis_address  # noqa: F401
