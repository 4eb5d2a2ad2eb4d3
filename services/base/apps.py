import logging

from django.apps import AppConfig
from django.conf import settings

from base.environment import misspelled_names
from channels_live.observability import sentry, tracing

logger = logging.getLogger(__name__)


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        for sentence in misspelled_names():
            logger.warning(sentence)
        sentry.start(settings.SENTRY_DSN, settings.ENVIRONMENT)
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SETTINGS_MODULE.partition(".")[0])
