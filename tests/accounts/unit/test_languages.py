"""The pages of accounts, the error pages and the admin are in the visitor's language, all of each page."""

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Ticket, User
from accounts.views import SignUpForm
from tests.support.page_language import admin_pages, foreign_words

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("language", ["ja", "en"])]

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def fast_hasher(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def visitor(language: str) -> Client:
    return Client(raise_request_exception=False, headers={"Accept-Language": language})


def names_of_products() -> set[str]:
    """Return the words in the names of the other apps, which the admin shows on every page."""
    products = [
        app for app in apps.get_app_configs() if app.name in django_settings.PROJECT_APPS and app.name != "accounts"
    ]
    return {word for app in products for word in str(app.verbose_name).split()}


def test_admin_pages(visitor, language):
    user = User.objects.create_superuser("1")
    ApiToken.objects.create(name="2", user=user, digest="3")
    Ticket.objects.create(digest="4", user=user, made_with="5", expires_at=timezone.now())
    visitor.force_login(user)
    for path in [*admin_pages(), f"/admin/accounts/user/{user.pk}/password/"]:
        assert foreign_words(visitor.get(path, follow=True).text, language) <= names_of_products()


def test_admin_messages(visitor, language):
    user = User.objects.create_superuser("1")
    visitor.force_login(user)
    form = {"user": user.pk, "name": "2", "expires_at_0": "", "expires_at_1": ""}
    page = visitor.post("/admin/accounts/apitoken/add/", form, follow=True)
    (shown,) = (str(message) for message in page.context["messages"] if "<a" not in str(message))
    (token,) = (word for word in shown.split() if len(word) == 43)
    assert foreign_words(page.text.replace(token, ""), language) == set()
    page = visitor.post("/admin/accounts/user/add/", {"username": "a b", "usable_password": "false"})
    assert foreign_words(page.text.replace('value="a b"', ""), language) == set()


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/name/", "/nothing/", "/admin/login/"]
)
def test_pages(visitor, language, path):
    assert foreign_words(visitor.get(path).text, language) == set()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts/login/", {}),
        ("/accounts/login/", {"username": "1", "password": "2"}),
        ("/accounts/signup/", {}),
        ("/accounts/signup/", {"username": "1", "password1": PASSWORD, "password2": "2"}),
        ("/accounts/signup/", {"username": "1234567", "password1": "1234567", "password2": "1234567"}),
        ("/accounts/signup/", {"username": "1 2", "password1": "3", "password2": "3"}),
        ("/accounts/signup/", {"username": "guest-"}),
        ("/accounts/name/", {"chosen": ""}),
        ("/accounts/name/", {"chosen": "#"}),
        ("/accounts/name/", {"chosen": "1" * 31}),
        ("/accounts/name/", {"chosen": "1" * 201}),
    ],
)
def test_form_errors(visitor, language, path, form):
    page = visitor.post(path, form)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert foreign_words(page.text, language) == set()


@pytest.mark.parametrize(
    ("error", "status"),
    [(SuspiciousOperation(), 400), (PermissionDenied(), 403), (ZeroDivisionError(), 500), (OperationalError(), 503)],
)
def test_error_pages(visitor, language, monkeypatch, error, status):
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(SignUpForm, "__init__", fail)
    page = visitor.get("/accounts/signup/")
    assert page.status_code == status
    assert foreign_words(page.text, language) == set()


def test_csrf_error_page(language):
    page = Client(enforce_csrf_checks=True, headers={"Accept-Language": language}).post("/accounts/login/", {})
    assert page.status_code == 403
    assert foreign_words(page.text, language) == set()


def test_page_after_too_many_failed_logins(visitor, language, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        page = visitor.post("/accounts/login/", {"username": "1", "password": "2"})
    assert page.status_code == 429
    assert foreign_words(page.text, language) == set()
