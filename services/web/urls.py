from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView
from django.views.i18n import set_language

from base.project_apps import modules

handler400 = "web.errors.bad_request"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name=settings.HOME_PAGE), name="home"),
    path("robots.txt", login_not_required(TemplateView.as_view(template_name="robots.txt", content_type="text/plain"))),
    # Some clients request it without reading the page.
    path("favicon.ico", login_not_required(lambda request: redirect(static("web/icon.png")))),
    *(path(f"{app}/", include(module)) for app, module in modules("urls")),
    *(path("api/", include(module)) for _, module in modules("api_urls")),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("admin/", admin.site.urls),
]
