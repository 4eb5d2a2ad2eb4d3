from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.guests import AuthoredRequest
from chat import journal
from chat.rooms import MAX_CHARS

# Messages in the page itself, which is readable before any script runs.
PAGE_MESSAGES = 50


def index(request: AuthoredRequest) -> HttpResponse:
    """Ask which room to enter."""
    return render(request, "chat/index.html", {"max_chars": MAX_CHARS})


# A page from the browser's cache would bring back a text that was removed meanwhile.
@never_cache
def room(request: AuthoredRequest, room: str) -> HttpResponse:
    """One room with its newest messages, oldest first; those after ``head`` come over the WebSocket."""
    messages, head = journal.newest(room, PAGE_MESSAGES)
    return render(
        request,
        "chat/room.html",
        {
            "room": room,
            "message_max_chars": settings.MESSAGE_MAX_CHARS,
            "messages": messages,
            "head": head,
            "author": request.author,
        },
    )
