from django.urls import include, path

from feed.views import posts

urlpatterns = [path("feed/", include("feed.urls")), path("api/feeds/<slug:name>/posts", posts)]
