from django.urls import re_path

from feed.consumers import FeedConsumer, FeedStream

websocket_urlpatterns = [re_path(r"^ws/feed/(?P<stream>[\w-]{1,50})/$", FeedConsumer.as_asgi())]
http_urlpatterns = [re_path(r"^sse/feed/(?P<stream>[\w-]{1,50})/$", FeedStream.as_asgi())]
