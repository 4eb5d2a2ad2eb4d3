from django.urls import re_path

from feed.consumers import FeedConsumer

websocket_urlpatterns = [re_path(r"^ws/feed/(?P<stream>[a-z-]{1,50})/$", FeedConsumer.as_asgi())]
