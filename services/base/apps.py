import logging

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from base import database_failover, database_time, sentry, start_checks, tracing
from base.environment import misspelt_names

logger = logging.getLogger(__name__)


class BaseConfig(AppConfig):
    name = "base"

    def ready(self) -> None:
        for sentence in misspelt_names():
            logger.warning(sentence)
        database_time.measure()
        database_failover.watch()
        checks.register(start_checks.encoding_check, checks.Tags.database)
        sentry.start(settings.SENTRY_DSN, settings.ENVIRONMENT)
        tracing.start(settings.OTEL_EXPORTER_OTLP_ENDPOINT, settings.SETTINGS_MODULE.partition(".")[0])
