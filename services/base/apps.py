from django.apps import AppConfig

from base import database_time


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        database_time.measure()
