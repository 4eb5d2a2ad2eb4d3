from django.apps import AppConfig
from django.core import checks

from channels_live.conf import live_settings
from channels_live.database import failover, start_checks
from channels_live.management import command_order
from channels_live.observability import database_time, logs


class ChannelsLiveConfig(AppConfig):
    name = "channels_live"
    verbose_name = "Channels Live"

    def ready(self) -> None:
        logs.use_loggers_of_the_project()
        live_settings.check_dictionary()
        database_time.measure()
        failover.watch()
        checks.register(start_checks.encoding_check, checks.Tags.database)
        checks.register(command_order.order_check)
