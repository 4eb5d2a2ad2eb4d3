"""The HTTP API: read a room's messages, and post one. docs/api.md is the specification."""

import functools
import json
import logging
import math
import threading
import uuid

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.api import Caller, answer, login_needed
from channels_live.conf import live_settings
from channels_live.database import Kind, kind_of, log_failure
from channels_live.journal import InvalidInput, RateLimited, check_fields, check_id, encode
from channels_live.observability import tracing
from chat import access
from chat.access import Refusal
from chat.history_page import fitting_messages
from chat.journal import journal, message_draft
from chat.limits import Limits
from chat.models import Message
from chat.protocol import (
    DETAILS,
    HISTORY_DEFAULT,
    HISTORY_MAX,
    check_text,
    message_frames,
    message_json,
    parse_object,
)
from chat.rooms import RoomNameConverter
from web.errors import api_error, unavailable

logger = logging.getLogger(__name__)

# Of a sequence number: all that fits into the journal.
MAX_DIGITS = 18
# Gunicorn's workers have several.
_threads = threading.Lock()


@csrf_exempt  # accounts.api checks it where a session authenticates; a token is no cookie that a browser adds
@login_not_required  # Answered with 401, not with a page
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, room: str) -> HttpResponse:
    """GET returns a page of the room's messages; POST appends one. Both need access to the room, POST a user."""
    try:
        name = RoomNameConverter().to_python(room)
    except ValueError:
        return api_error(404, "no_such_room", "room: expected 1 to 64 letters, digits, - and _.")
    try:
        if request.method != "POST":
            return answer(request, lambda caller: _read(request, name, caller), guests=live_settings.ALLOW_GUESTS)
        return answer(request, lambda caller: _post(request, name, caller))
    except InvalidInput as error:
        return api_error(400, error.code, error.detail)
    except RateLimited as error:
        seconds = str(math.ceil(error.retry_after))
        return api_error(429, "rate_limited", "Too many messages; wait for Retry-After seconds.", Retry_After=seconds)
    except Error as error:
        log_failure(logger, "The API has refused requests, the journal fails", error)
        if kind_of(error) is Kind.DATA:
            if request.method != "POST":
                raise
            return api_error(422, "unprocessable", DETAILS["unprocessable"])
        return unavailable()


def _post(request: HttpRequest, room: str, caller: Caller) -> HttpResponse:
    if refusal := _refusal(room, caller):
        return refusal
    author = caller.user.get_username()
    _count_post(caller.user.pk)
    content = parse_object(request.body)
    check_fields(content, "message", "id")
    text = check_text(content.get("message"))
    message_id = check_id(content["id"]) if "id" in content else uuid.uuid4().hex
    with tracing.span("journal append"):
        (message,) = journal.append([draft := message_draft(room, message_id, author, text)])
    if not message.is_of(draft):
        raise InvalidInput("invalid_id", DETAILS["invalid_id"])
    if message.is_new:
        with tracing.span("publish"):
            journal.publish(message, message_frames(message))
    status = 201 if message.is_new else 200
    return HttpResponse(encode(message_json(message)), content_type="application/json", status=status)


def _count_post(user: object) -> None:
    with _threads:
        _limits().take_post(user)


@functools.cache
def _limits() -> Limits:
    return Limits()


def _read(request: HttpRequest, room: str, caller: Caller) -> HttpResponse:
    if refusal := _refusal(room, caller):
        return refusal
    query = request.GET
    after, before = _number(query, "after"), _number(query, "before")
    limit = _limit(query)
    if after is not None and before is not None:
        raise InvalidInput("invalid_before", "before: expected only one of after and before.")
    head, _ = journal.bounds(room)
    start = after if after is not None else head + 1 if before is None else before

    def read(start: int, count: int) -> list[Message]:
        # From the reader's position; what does not fit is for the next page.
        return journal.after(room, start, count) if after is not None else journal.before(room, start, count)[::-1]

    # One more than asked for shows whether there are more.
    found = read(start, min(limit, HISTORY_DEFAULT) + 1)
    page = fitting_messages(found, limit)
    if HISTORY_DEFAULT < len(found) == len(page):
        # Not at once: where texts are long, three quarters of what the database gave would be thrown away.
        found += read(found[-1].seq, limit + 1 - len(found))
        page = fitting_messages(found, limit)
    # What came in between the two reads counts.
    head = max([head, *(message.seq for message in found[: len(page)])])
    more = json.dumps(len(found) > len(page))
    messages = ",".join(page if after is not None else reversed(page))
    content = f'{{"messages":[{messages}],"head":{head},"more":{more}}}'
    return HttpResponse(content, content_type="application/json")


def _number(query: QueryDict, field: str) -> int | None:
    value = query.get(field)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS):
        raise InvalidInput(f"invalid_{field}", f"{field}: expected a sequence number, 0 or more.")
    return int(value)


def _limit(query: QueryDict) -> int:
    value = query.get("limit", str(HISTORY_DEFAULT))
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS and 1 <= int(value) <= HISTORY_MAX):
        raise InvalidInput("invalid_limit", f"limit: expected a whole number, 1 to {HISTORY_MAX}.")
    return int(value)


def _refusal(room: str, caller: Caller) -> HttpResponse | None:
    match access.refusals([room], caller.user).get(room):
        case Refusal.LOGIN_NEEDED:
            return login_needed()
        case Refusal.FORBIDDEN:
            return api_error(403, "forbidden", "room: this user has no access.")
        case Refusal.NOT_FOUND:
            return api_error(404, "no_such_room", "room: characters that cannot be seen, or a word of several scripts.")
    return None
