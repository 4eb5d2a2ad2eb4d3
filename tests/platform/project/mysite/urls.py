from django.urls import include, path

urlpatterns = [path("feed/", include("feed.urls")), path("api/", include("feed.api_urls"))]
