"""Whose failures count together: nginx says web the address, and no browser does."""

import re

import httpx

from deploy.local import Stack

PASSWORD = "correct horse battery"


class Browser:
    """A browser without cookies at a source address, that lies about where it comes from."""

    def __init__(self, stack: Stack, source: str) -> None:
        transport = httpx.HTTPTransport(local_address=source)
        self._client = httpx.Client(base_url=stack.url, transport=transport, timeout=20)
        self._lies = 0

    def send(self, form: str, **fields: str) -> httpx.Response:
        self._lies += 1
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self._client.get(form).text)
        assert token
        headers = {"X-Forwarded-For": f"203.0.113.{self._lies}"}
        answer = self._client.post(form, data={**fields, "csrfmiddlewaretoken": token[1]}, headers=headers)
        self._client.cookies.clear()
        return answer


def test_failures_from_one_address_lock_out_that_address_only(tmp_path):
    with Stack(tmp_path, ws_processes=1, environment={"LOGIN_ATTEMPTS": "2", "LOGIN_COOLOFF_SECONDS": "60"}) as stack:
        owner, attacker = Browser(stack, "127.0.0.2"), Browser(stack, "127.0.0.3")
        assert owner.send("/accounts/signup/", username="alice", password1=PASSWORD, password2=PASSWORD).is_redirect
        assert attacker.send("/accounts/login/", username="alice", password="wrong").status_code == 200
        assert attacker.send("/accounts/login/", username="alice", password="wrong").status_code == 429
        refused = attacker.send("/accounts/login/", username="alice", password=PASSWORD)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert owner.send("/accounts/login/", username="alice", password=PASSWORD).is_redirect
        metrics = httpx.get(f"{stack.process('web').url}/metrics").text
        for result, count in {"failed": 2, "refused": 1, "succeeded": 2}.items():
            assert f'logins_total{{result="{result}"}} {count}.0' in metrics
