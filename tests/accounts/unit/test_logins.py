"""Who fails to log in too often must wait, with a page that says how long; and nobody else."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client
from prometheus_client import REGISTRY

from accounts.models import User

ATTEMPTS = 3
PASSWORD = "correct horse battery"
FORMS = ["/accounts/login/", "/admin/login/"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_attempts(settings) -> None:
    settings.AXES_FAILURE_LIMIT = ATTEMPTS
    # Of the real one each hash takes a quarter of a second.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice() -> User:
    return User.objects.create_superuser("alice", password=PASSWORD)


def log_in(form: str, username: str, password: str, address: str = "203.0.113.1"):
    # As nginx says it; a new browser each time, since an attacker keeps no cookies.
    fields = {"username": username, "password": password}
    return Client(headers={"X-Forwarded-For": address, "Accept-Language": "en"}).post(form, fields)


def fail(form: str, username: str, times: int, address: str = "203.0.113.1") -> list[int]:
    return [log_in(form, username, "wrong", address).status_code for _ in range(times)]


def logins(result: str) -> float:
    return REGISTRY.get_sample_value("logins_total", {"result": result}) or 0.0


@pytest.mark.parametrize("form", FORMS)
def test_one_failure_less_than_allowed_changes_nothing(alice, form):
    assert fail(form, "alice", ATTEMPTS - 1) == [200] * (ATTEMPTS - 1)
    assert log_in(form, "alice", PASSWORD).status_code == 302
    # And a success forgets them.
    assert fail(form, "alice", ATTEMPTS - 1) == [200] * (ATTEMPTS - 1)


@pytest.mark.parametrize("form", FORMS)
def test_then_even_the_right_password_must_wait(alice, form, settings):
    assert fail(form, "alice", ATTEMPTS)[-1] == 429
    refused = log_in(form, "alice", PASSWORD)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "600"
    assert "Try again in about 10 minutes." in refused.content.decode()
    # The same count for both forms.
    assert {log_in(other, "alice", PASSWORD).status_code for other in FORMS} == {429}

    settings.AXES_COOLOFF_TIME = timedelta(seconds=0)
    assert log_in(form, "alice", PASSWORD).status_code == 302


def test_attempts_while_waiting_do_not_prolong_it(alice):
    fail(FORMS[0], "alice", ATTEMPTS)
    before = AccessAttempt.objects.get()
    fail(FORMS[0], "alice", 5)
    after = AccessAttempt.objects.get()
    assert (after.attempt_time, after.failures_since_start) == (before.attempt_time, ATTEMPTS)


def test_others_behind_the_same_address_and_the_user_elsewhere_get_in(alice):
    User.objects.create_user("bob", password=PASSWORD)
    fail(FORMS[0], "alice", ATTEMPTS)
    assert log_in(FORMS[0], "bob", PASSWORD).status_code == 302
    assert log_in(FORMS[0], "alice", PASSWORD, "203.0.113.2").status_code == 302


def test_one_customer_s_ipv6_addresses_count_as_one(alice):
    for number in range(ATTEMPTS):
        fail(FORMS[0], "alice", 1, f"2001:db8::{number + 1}:1")
    assert log_in(FORMS[0], "alice", PASSWORD, "2001:db8::ffff").status_code == 429
    assert log_in(FORMS[0], "alice", PASSWORD, "2001:db8:0:1::1").status_code == 302


def test_nothing_tells_whether_there_is_such_a_user(alice):
    def answers(username: str) -> list[tuple[int, str]]:
        found = [log_in(FORMS[0], username, "wrong") for _ in range(ATTEMPTS + 1)]
        # The name of the guest and the CSRF token are new each time.
        random = rf"guest-\w{{6}}|value=\"\w{{64}}\"|{username}"
        return [(answer.status_code, re.sub(random, "", answer.content.decode())) for answer in found]

    assert answers("alice") == answers("nobody")


@pytest.mark.parametrize("username", ["x" * 300, "a\0b", "\ud800"], ids=["long", "NUL", "surrogate"])
def test_an_odd_name_is_no_error(username):
    fields = {"username": username.encode(errors="surrogatepass"), "password": "wrong"}
    assert Client().post(FORMS[0], fields).status_code == 200


def test_passwords_are_not_kept(alice):
    log_in(FORMS[0], "alice", "a typo of the password")
    attempt = AccessAttempt.objects.get()
    assert "typo" not in attempt.post_data + attempt.get_data


def test_each_attempt_is_counted_once(alice):
    before = {result: logins(result) for result in ("succeeded", "failed", "refused")}
    log_in(FORMS[0], "alice", PASSWORD)
    fail(FORMS[0], "alice", ATTEMPTS + 2)
    grown = {result: logins(result) - before[result] for result in before}
    assert grown == {"succeeded": 1, "failed": ATTEMPTS, "refused": 2}


def test_zero_is_no_limit(alice, settings):
    settings.AXES_ENABLED = False
    assert set(fail(FORMS[0], "alice", ATTEMPTS * 2)) == {200}
    assert log_in(FORMS[0], "alice", PASSWORD).status_code == 302
