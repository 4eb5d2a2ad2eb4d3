"""The HTTP API: read a room's messages, and post one. docs/api.md is the specification."""

import functools
import logging
import math
import threading
import uuid

from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts import tokens
from base import tracing
from base.layer_event import layer_event
from base.logs import first_line
from chat import journal
from chat.events import message_frames, message_json
from chat.frames import HISTORY_DEFAULT, HISTORY_MAX
from chat.limits import Limits, RateLimited
from chat.messages import InvalidMessage, check_fields, check_id, check_text, parse_object
from chat.rooms import RoomNameConverter, group_name
from web.errors import api_error, unavailable
from web.publisher import publish

logger = logging.getLogger(__name__)

# Of a sequence number: all that fits into the journal.
MAX_DIGITS = 18
# Gunicorn's workers have several.
_threads = threading.Lock()


@csrf_exempt  # _post_with_session checks it: who comes with a token has no cookie that could be abused
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, room: str) -> HttpResponse:
    """GET: a page of the room's messages, for everyone. POST: append one, for users."""
    try:
        name = RoomNameConverter().to_python(room)
    except ValueError:
        return api_error(404, "no_such_room", "room: expected 1 to 64 letters, digits, - and _.")
    try:
        if request.method != "POST":
            return _read(request.GET, name)
        if (token := tokens.bearer(request)) is None:
            return _post_with_session(request, name)
        if (user := tokens.user_of(token)) is None:
            return _login_needed("invalid_token", "The token is unknown, expired, or its user is inactive.")
        return _post(request, name, user.get_username())
    except InvalidMessage as error:
        return api_error(400, error.code, error.detail)
    except RateLimited as error:
        seconds = str(math.ceil(error.retry_after))
        return api_error(429, "rate_limited", "Too many messages; wait for Retry-After seconds.", Retry_After=seconds)
    except (OperationalError, InterfaceError, IntegrityError) as error:
        logger.warning("The journal does not answer: %s", first_line(error))
        return unavailable()


def _post_with_session(request: HttpRequest, room: str) -> HttpResponse:
    if not request.user.is_authenticated:
        return _login_needed("login_needed", "Log in, or send the header Authorization: Bearer <token>.")
    author = request.user.get_username()
    # Read before Django looks for the CSRF token in a form, after which it could not be read any more.
    request.body  # noqa: B018
    return csrf_protect(lambda request: _post(request, room, author))(request)


def _post(request: HttpRequest, room: str, author: str) -> HttpResponse:
    _count_post(author)
    content = parse_object(request.body)
    check_fields(content, "message", "id")
    text = check_text(content.get("message"))
    message_id = check_id(content["id"]) if "id" in content else uuid.uuid4().hex
    with tracing.span("journal append"):
        (stored,) = journal.append([journal.Draft(room, message_id, author, text)])
    if stored.is_new:
        with tracing.span("publish"):
            publish(group_name(room), layer_event(room, stored.seq, message_frames(stored)))
    return JsonResponse(message_json(stored), status=201 if stored.is_new else 200)


def _count_post(author: str) -> None:
    with _threads:
        _limits().take_post(author)


@functools.cache
def _limits() -> Limits:
    return Limits()


def _read(query: QueryDict, room: str) -> HttpResponse:
    after, before = _number(query, "after"), _number(query, "before")
    limit = _limit(query)
    if after is not None and before is not None:
        raise InvalidMessage("invalid_before", "before: expected only one of after and before.")
    head, _ = journal.bounds(room)
    # One more than asked for tells whether there are more.
    if after is not None:
        found = journal.after(room, after, limit + 1)
        page = found[:limit]
    else:
        found = journal.before(room, head + 1 if before is None else before, limit + 1)
        page = found[-limit:]
    return JsonResponse(
        {
            "messages": [message_json(message) for message in page],
            # What came in between the two reads counts.
            "head": max([head, *(message.seq for message in page)]),
            "more": len(found) > limit,
        }
    )


def _number(query: QueryDict, field: str) -> int | None:
    value = query.get(field)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS):
        raise InvalidMessage(f"invalid_{field}", f"{field}: expected a sequence number, 0 or more.")
    return int(value)


def _limit(query: QueryDict) -> int:
    value = query.get("limit", str(HISTORY_DEFAULT))
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS and 1 <= int(value) <= HISTORY_MAX):
        raise InvalidMessage("invalid_limit", f"limit: expected a whole number, 1 to {HISTORY_MAX}.")
    return int(value)


def _login_needed(code: str, detail: str) -> HttpResponse:
    return api_error(401, code, detail, WWW_Authenticate="Bearer")
