from django.urls import re_path
from django.views.generic import TemplateView

app_name = "feed"
urlpatterns = [re_path(r"^(?P<feed>[a-z-]{1,50})/$", TemplateView.as_view(template_name="feed/feed.html"), name="feed")]
