"""The feeds' HTTP API, whose callers are the template's users, API tokens and guests."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.api import answer
from channels_live.journal import InvalidInput
from feed.views import post, read
from web.errors import api_error


@csrf_exempt  # accounts.api checks it
@login_not_required  # Answered with 401, not with a page
@require_http_methods(["GET", "POST"])
def posts(request: HttpRequest, name: str) -> HttpResponse:
    """Read a feed, also as a guest, or post to it as a user."""
    if request.method == "GET":
        return answer(request, lambda _: read(name), guests=True)
    try:
        return answer(request, lambda _: post(name, request.body))
    except InvalidInput as error:
        return api_error(400, error.code, error.detail)
