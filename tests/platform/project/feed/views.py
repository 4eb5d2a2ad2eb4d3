import json
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_POST

from channels_live.journal import Draft
from feed.source import Feeds, journal


def page(request: HttpRequest, name: str = "") -> HttpResponse:
    """A page, with the cookie that a post needs."""
    get_token(request)
    return HttpResponse(f"<!doctype html><title>Feed {name}</title>")


@require_POST
def posts(request: HttpRequest, name: str) -> JsonResponse:
    """Post to a feed over HTTP, as a page or a program does that has no socket."""
    content = json.loads(request.body)
    (post,) = journal.append([Draft(name, content.get("id") or uuid.uuid4().hex, {"text": content["text"]})])
    if post.is_new:
        journal.publish(post, Feeds().frames(post))
    return JsonResponse({"seq": post.seq}, status=201)
