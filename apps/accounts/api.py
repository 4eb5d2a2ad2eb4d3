"""The caller of the HTTP API, and tickets for WebSockets. docs/api.md is the specification."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from accounts import tickets, tokens
from accounts.conf import accounts_settings
from accounts.models import User
from accounts.revocations import token_subject
from channels_live.revocation import session_subject
from web.errors import api_error


@dataclass(frozen=True, slots=True)
class Caller:
    """``credential`` is the subject of the session or token (see channels_live.revocation); guests have none."""

    user: User | AnonymousUser
    credential: str | None = None


def answer(request: HttpRequest, view: Callable[[Caller], HttpResponse], guests: bool = False) -> HttpResponse:
    """Return the view's response to the caller; 401 for an invalid token, and for a guest unless ``guests`` is True.

    For views with ``csrf_exempt``: a session needs the CSRF token, an API token does not.
    """
    if (token := tokens.bearer(request)) is not None:
        if (found := tokens.find(token)) is None:
            return _unauthorized("invalid_token", "The token is unknown, expired, or its user is inactive.")
        return view(Caller(found.user, token_subject(found)))
    user = request.user
    if not isinstance(user, User):
        return view(Caller(AnonymousUser())) if guests else login_needed()
    caller = Caller(user, session_subject(request.session.session_key or ""))
    # Read before Django looks for the CSRF token in a form, after which it could not be read any more.
    request.body  # noqa: B018
    return csrf_protect(lambda _: view(caller))(request)


@csrf_exempt  # answer checks it
@login_not_required  # Answered with 401, not with a page
@never_cache
@require_POST
def ticket(request: HttpRequest) -> HttpResponse:
    """Create a ticket for one WebSocket."""
    return answer(request, _issue)


def _issue(caller: Caller) -> HttpResponse:
    assert isinstance(caller.user, User)
    assert caller.credential
    content = {"ticket": tickets.issue(caller.user, caller.credential), "expires_in": accounts_settings.TICKET_SECONDS}
    return JsonResponse(content, status=201)


def login_needed() -> HttpResponse:
    """Return the API's response to a guest where a login is needed."""
    return _unauthorized("login_needed", "Log in, or send the header Authorization: Bearer <token>.")


def _unauthorized(code: str, detail: str) -> HttpResponse:
    return api_error(401, code, detail, WWW_Authenticate="Bearer")
