import json
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.views.decorators.http import require_http_methods

from channels_live.journal import Draft, InvalidInput, entry_frames
from channels_live.observability import tracing
from feed.journal import content, journal

PAGE = 50


def page(request: HttpRequest, name: str = "") -> HttpResponse:
    """A page, with the cookie that a post needs, and with the package's script."""
    get_token(request)
    script = static("channels_live/resumable_connection.js")
    return HttpResponse(f'<!doctype html><title>Feed {name}</title><script type="module" src="{script}"></script>')


@require_http_methods(["GET", "POST"])
def posts(request: HttpRequest, name: str) -> HttpResponse:
    """Read the newest posts of a feed, or post to it, as a page or a program does that has no socket."""
    return read(name) if request.method == "GET" else post(name, request.body)


def read(name: str) -> JsonResponse:
    """Return the newest posts of a feed, oldest first."""
    found, head = journal.newest(name, PAGE)
    return JsonResponse({"posts": [{"seq": post.seq, "text": post.text} for post in found], "head": head})


def post(name: str, body: bytes) -> JsonResponse:
    """Append the post of a request's body, ``{"text": …}`` with an optional ``id``; raises InvalidInput."""
    given = _parse(body)
    draft = Draft(name, given.get("id") or uuid.uuid4().hex, {"text": given["text"]})
    with tracing.span("journal append"):
        (stored,) = journal.append([draft])
    if stored.is_new:
        with tracing.span("publish"):
            journal.publish(stored, entry_frames(stored, content(stored)))
    return JsonResponse({"seq": stored.seq}, status=201)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError as error:
        raise InvalidInput("invalid_json", "Expected JSON.") from error
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise InvalidInput("invalid", "text: expected a string.")
    return given
