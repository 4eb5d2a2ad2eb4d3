from django.urls import path

from feed_stack.api import posts

urlpatterns = [path("feeds/<slug:name>/posts", posts)]
