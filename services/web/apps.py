from django.apps import AppConfig

from web import logins


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        logins.measure()
