"""Forms of a page that is out of date, and logins that have ended since the last page."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User

PAGE = "/accounts/signup/?next=/chat/"


@pytest.fixture
def visitor(db) -> Client:
    return Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})


def links(html: str) -> list[str]:
    return re.findall(r'<a class="button" href="([^"]+)"', html)


@pytest.mark.parametrize("path", ["/accounts/logout/", "/i18n/setlang/", "/accounts/login/"])
def test_rejected_form_leads_back_to_the_page_that_had_it(visitor, path):
    answer = visitor.post(path, headers={"Referer": f"http://testserver{PAGE}"})
    assert answer.status_code == 403
    html = answer.content.decode()
    assert links(html) == [PAGE.replace("&", "&amp;")]
    assert visitor.get(PAGE).status_code == 200
    # Its own forms return there too.
    assert f'<input type="hidden" name="next" value="{PAGE}">' in html
    assert f"/accounts/login/?next={PAGE.replace('?', '%3F').replace('=', '%3D')}" in html


@pytest.mark.parametrize("referer", [None, "https://evil.example/form/", "//evil.example/", "http://testserver:99999/"])
def test_rejected_form_without_a_page_of_ours_leads_home(visitor, referer):
    headers = {} if referer is None else {"Referer": referer}
    answer = visitor.post("/accounts/logout/", headers=headers)
    assert answer.status_code == 403
    assert links(answer.content.decode()) == ["/"]


def test_language_changes_on_the_page_that_has_the_button():
    visitor = Client()
    answer = visitor.post(
        "/i18n/setlang/", {"language": "en", "next": PAGE}, headers={"Referer": "http://testserver/x"}
    )
    assert (answer.status_code, answer["Location"]) == (302, PAGE)


@pytest.mark.django_db
@pytest.mark.parametrize("end", [Session.objects.all().delete, User.objects.all().delete], ids=["expired", "deleted"])
def test_page_says_once_that_the_login_has_ended(end):
    visitor = Client(headers={"Accept-Language": "en"})
    visitor.force_login(User.objects.create_user("alice"))
    assert "login has ended" not in visitor.get("/accounts/signup/").content.decode()
    end()
    ended = visitor.get("/accounts/signup/").content.decode()
    assert "Your login has ended. You are a guest now." in ended
    assert 'href="/accounts/login/?next=/accounts/signup/">Log in again</a>' in ended
    assert "login has ended" not in visitor.get("/accounts/signup/").content.decode()


@pytest.mark.django_db
def test_page_says_nothing_after_logging_out():
    visitor = Client(headers={"Accept-Language": "en"})
    visitor.force_login(User.objects.create_user("alice"))
    visitor.post("/accounts/logout/")
    assert "login has ended" not in visitor.get("/accounts/signup/").content.decode()
