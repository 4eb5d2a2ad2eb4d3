from django.urls import path

from feed.views import page

app_name = "feed"
urlpatterns = [path("", page, name="index"), path("<slug:name>/", page, name="feed")]
