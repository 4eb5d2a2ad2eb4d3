from django.apps import AppConfig
from django.conf import settings

from base import database_time, sentry, tracing


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        database_time.measure()
        sentry.start(settings.SENTRY_DSN, settings.ENVIRONMENT)
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SETTINGS_MODULE.partition(".")[0])
