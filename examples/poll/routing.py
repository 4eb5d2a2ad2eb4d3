from django.urls import re_path

from poll.consumers import PollConsumer

websocket_urlpatterns = [re_path(r"^ws/poll/(?P<poll>[a-z-]{1,50})/$", PollConsumer.as_asgi())]
