import logging

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from base import check_settings
from base.environment import misspelled_names
from channels_live.observability import sentry, tracing

logger = logging.getLogger(__name__)


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        # channels_live.server runs the checks of this tag before it serves.
        checks.register(check_settings.system_check, "channels_live.server")
        for sentence in misspelled_names():
            logger.warning(sentence)
        sentry.start(settings.SENTRY_DSN, settings.ENVIRONMENT)
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SETTINGS_MODULE.partition(".")[0])
