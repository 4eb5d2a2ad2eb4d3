from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import escape
from django.views.decorators.cache import never_cache

from accounts.guests import AuthoredRequest
from channels_live.journal import fitting
from chat.access import Refusal, refusals
from chat.conf import chat_settings
from chat.journal import journal
from chat.models import Room
from chat.rooms import MAX_CHARS, RoomNameConverter, is_clear
from chat.transcript import lines

# Messages in the page itself, which is readable before any script runs.
PAGE_MESSAGES = 50
RECENT_ROOMS = 12
# Of which those are shown that the visitor may enter.
RECENT_CANDIDATES = 50


@never_cache
def index(request: AuthoredRequest) -> HttpResponse:
    """Ask which room to enter; ``?room=`` enters it."""
    wanted = request.GET.get("room", "").strip()
    is_unclear = False
    if wanted:
        try:
            name = RoomNameConverter().to_python(wanted)
            is_unclear = not is_clear(name) and refusals([name], request.user).get(name) is Refusal.NOT_FOUND
            if not is_unclear:
                return redirect("chat:room", name)
        except ValueError:
            pass  # asked again, with what was typed
    context = {
        "max_chars": MAX_CHARS,
        "wanted": wanted,
        "is_unclear": is_unclear,
        "recent_rooms": recent_rooms(request),
    }
    return render(request, "chat/index.html", context, status=400 if wanted else 200)


# A page from the browser's cache would bring back a text that was removed meanwhile.
@never_cache
def room(request: AuthoredRequest, room: str) -> HttpResponse:
    """One room with its newest messages, oldest first. The WebSocket sends those after ``head``."""
    match refusals([room], request.user).get(room):
        case Refusal.NOT_FOUND:
            raise Http404
        case Refusal.LOGIN_NEEDED | Refusal.FORBIDDEN:
            raise PermissionDenied
    messages, head = journal.newest(room, PAGE_MESSAGES)
    # The WebSocket sends older ones when the reader scrolls up to them.
    messages = fitting(reversed(messages), text_of=lambda line: escape(line.author + line.client_id + line.text))[::-1]
    return render(
        request,
        "chat/room.html",
        {
            "room": room,
            "preview_title": room,
            "message_max_chars": chat_settings.MESSAGE_MAX_CHARS,
            "lines": list(lines(messages)),
            "head": head,
            "recent_rooms": recent_rooms(request),
        },
    )


def recent_rooms(request: AuthoredRequest) -> list[Room]:
    """Return the rooms that were written in last, of those that the visitor may enter."""
    rooms = journal.recent(RECENT_CANDIDATES)
    hidden = refusals([room.name for room in rooms], request.user)
    return [room for room in rooms if room.name not in hidden][:RECENT_ROOMS]
