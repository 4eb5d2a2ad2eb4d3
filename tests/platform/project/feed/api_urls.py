from django.urls import path

from feed.views import posts

urlpatterns = [path("feeds/<slug:name>/posts", posts)]
