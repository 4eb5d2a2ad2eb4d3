from django.urls import path, re_path
from django.views.generic import RedirectView, TemplateView

app_name = "poll"
urlpatterns = [
    path("", RedirectView.as_view(url="pizza-for-lunch/"), name="index"),
    re_path(r"^(?P<poll>[a-z-]{1,50})/$", TemplateView.as_view(template_name="poll/poll.html"), name="poll"),
]
