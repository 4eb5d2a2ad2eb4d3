"""Error pages of web."""

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import Error, InternalError, OperationalError, ProgrammingError
from django.test import Client

from accounts.views import SignUpForm


def database_error(django_class: type[Error], cause: type[psycopg.Error]) -> Error:
    """Return an error as Django raises it, with the server's SQLSTATE in its cause."""
    error = django_class("gone")
    error.__cause__ = cause("gone")
    return error


@pytest.fixture
def visitor(db) -> Client:
    return Client(raise_request_exception=False, headers={"Accept-Language": "en"})


@pytest.mark.parametrize(
    ("error", "status", "heading"),
    [
        (PermissionDenied(), 403, "You don’t have access"),
        (ZeroDivisionError(), 500, "Something went wrong"),
        (OperationalError("gone"), 503, "Back in a moment"),
        (database_error(InternalError, psycopg.errors.ReadOnlySqlTransaction), 503, "Back in a moment"),
        (database_error(ProgrammingError, psycopg.errors.UndefinedTable), 500, "Something went wrong"),
    ],
)
def test_exceptions_of_views_are_answered_with_their_status(visitor, monkeypatch, error, status, heading):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr(SignUpForm, "__init__", fail)
    answer = visitor.get("/accounts/signup/")
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in answer.text
    assert answer.headers["content-security-policy"]
    assert answer.headers.get("retry-after") == ("2" if status == 503 else None)
    # The page has a link, and no details of the error.
    assert 'href="/"' in answer.text
    assert "gone" not in answer.text
    assert "ZeroDivision" not in answer.text


def test_unknown_url_is_404(visitor):
    answer = visitor.get("/nothing-here/")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Page not found</h1>" in answer.text
    assert 'content="noindex"' in answer.text


def test_form_without_csrf_cookie_is_403(db):
    visitor = Client(enforce_csrf_checks=True, headers={"Accept-Language": "ja"})
    answer = visitor.post(
        "/accounts/login/", {"username": "alice"}, headers={"Referer": "http://testserver/accounts/login/"}
    )
    assert answer.status_code == 403
    assert "<h1>もう一度お試しください</h1>" in answer.text
    assert 'href="/accounts/login/"' in answer.text
