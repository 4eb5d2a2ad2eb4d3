import logging

from django.apps import AppConfig
from django.conf import settings

from base import database_time, sentry, tracing
from base.environment import misspelt_names

logger = logging.getLogger(__name__)


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        for sentence in misspelt_names():
            logger.warning(sentence)
        database_time.measure()
        sentry.start(settings.SENTRY_DSN, settings.ENVIRONMENT)
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SETTINGS_MODULE.partition(".")[0])
