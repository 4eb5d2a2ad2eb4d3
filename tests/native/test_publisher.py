"""A post costs no Redis connection (channels_redis#266)."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import redis

from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.tokens import make_token

POSTS = 300


def test_many_posts_leave_the_number_of_redis_connections_flat(tmp_path):
    workers = 2
    with (
        FeedStack(tmp_path, ws_processes=1, environment=NO_LIMITS | {"WEB_WORKERS": str(workers)}) as stack,
        redis.Redis.from_url(stack.process("redis").url) as server,
        httpx.Client(base_url=stack.url, headers={"Authorization": f"Bearer {make_token(stack)}"}) as bot,
    ):
        before = len(server.client_list())

        def post(number: int) -> tuple[int, int]:
            response = bot.post("/api/feeds/lobby/posts", json={"text": "hello", "id": str(number)}, timeout=30)
            return response.status_code, response.json().get("seq")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(post, range(POSTS)))
        assert {status for status, _ in answers} == {201}
        assert sorted(seq for _, seq in answers) == list(range(1, POSTS + 1))
        # One for each worker that published.
        assert len(server.client_list()) <= before + workers
