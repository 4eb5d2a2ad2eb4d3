"""Declaration and parsing of settings. Nothing here needs Django's settings to be imported."""

from channels_live.conf.app_settings import AppSettings, Setting
from channels_live.conf.bind import listen_address, parse_bind
from channels_live.conf.database_url import parse_database_url
from channels_live.conf.environment import env, exit_on_invalid_configuration, misspelled_names
from channels_live.conf.hosts import parse_form_origins, parse_hosts
from channels_live.conf.live import LiveSettings, live_settings
from channels_live.conf.origins import normalized_origin, parse_origins
from channels_live.conf.path_prefix import parse_path_prefix
from channels_live.conf.redis_url import RedisHost, address_without_password, parse_redis_url
from channels_live.conf.time_zone import parse_time_zone

__all__ = [
    "AppSettings",
    "LiveSettings",
    "RedisHost",
    "Setting",
    "address_without_password",
    "env",
    "exit_on_invalid_configuration",
    "listen_address",
    "live_settings",
    "misspelled_names",
    "normalized_origin",
    "parse_bind",
    "parse_database_url",
    "parse_form_origins",
    "parse_hosts",
    "parse_origins",
    "parse_path_prefix",
    "parse_redis_url",
    "parse_time_zone",
]
