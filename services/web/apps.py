from django.apps import AppConfig
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from web import logins


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        logins.measure()
        admin.site.site_title = "channels-stack"
        admin.site.site_header = _("channels-stack administration")
