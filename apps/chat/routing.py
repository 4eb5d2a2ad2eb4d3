from django.urls import path, register_converter

from chat.consumers import ChatConsumer
from chat.lobby_consumer import LobbyConsumer
from chat.rooms import RoomNameConverter

register_converter(RoomNameConverter, "room")

websocket_urlpatterns = [
    path("ws/chat/<room:room>/", ChatConsumer.as_asgi()),
    path("ws/rooms/", LobbyConsumer.as_asgi()),
]
