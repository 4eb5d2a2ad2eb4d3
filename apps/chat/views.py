from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chat.rooms import MAX_CHARS


def index(request: HttpRequest) -> HttpResponse:
    """Ask which room to enter."""
    return render(request, "chat/index.html", {"max_chars": MAX_CHARS})


def room(request: HttpRequest, room: str) -> HttpResponse:
    """One room; the messages come over the WebSocket."""
    return render(request, "chat/room.html", {"room": room, "message_max_chars": settings.MESSAGE_MAX_CHARS})
