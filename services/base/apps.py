import logging

from django.apps import AppConfig
from django.conf import settings

from base import identity
from base.environment import misspelt_names
from channels_live.observability import sentry, tracing

logger = logging.getLogger(__name__)


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        # ImproperlyConfigured stops the start of every program that sets Django up, with one sentence in ws.
        identity.check(settings)
        for sentence in misspelt_names():
            logger.warning(sentence)
        sentry.start(settings.SENTRY_DSN, settings.ENVIRONMENT)
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SETTINGS_MODULE.partition(".")[0])
