from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

handler500 = "web.errors.server_error"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="chat:index"), name="home"),
    path("chat/", include("chat.urls")),
    path("api/", include("chat.api_urls")),
    path("accounts/", include("accounts.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
