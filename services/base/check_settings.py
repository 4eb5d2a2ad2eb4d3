"""``python -m base.check_settings``: check the settings of web and ws before any process starts.

Prints a line for each address that is set, and for each variable that looks misspelled. If a setting is invalid, it
prints a one-line error to standard error and exits with 1.
"""

from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.exceptions import ImproperlyConfigured

from base import identity, project_apps
from base.environment import env, exit_on_invalid_configuration, misspelled_names
from channels_live.conf import AppSettings, address_without_password, live_settings

SERVICES = ("web", "ws")


def check(settings: object) -> None:
    """Check the settings of one service, given its settings module or Django's settings.

    Raises ImproperlyConfigured with one sentence for the first invalid one.
    """
    identity.check(settings)
    for app_settings in [live_settings, *_settings_of_apps(settings)]:
        for name in app_settings.declared():
            if hasattr(settings, name):
                raise ImproperlyConfigured(
                    f"{name} is not a setting of Django: set the environment variable, "
                    f"or {app_settings.dictionary}[{name!r}]."
                )
        app_settings.check(getattr(settings, app_settings.dictionary, {}))


def system_check(**_: Any) -> list[CheckMessage]:
    """``check`` for Django's settings, as a system check; it stops ws's start."""
    try:
        check(django_settings)
    except ImproperlyConfigured as error:
        return [CheckError(str(error), id="base.E002")]
    return []


def _settings_of_apps(settings: object) -> list[AppSettings]:
    return [
        value
        for _, module in project_apps.modules("conf", settings)
        for value in vars(module).values()
        if isinstance(value, AppSettings) and value is not live_settings
    ]


def main() -> None:
    with exit_on_invalid_configuration():
        for service in SERVICES:
            # Only their modules: Django is not set up.
            settings = import_module(f"{service}.settings")
            check(settings)
        # web's image has no server to import.
        from channels_live.server import sockets_that_fit

        sockets_that_fit(live_settings.read("MAX_SOCKETS", settings.CHANNELS_LIVE))
    for line in [*_addresses(settings.DATABASES["default"], settings.REDIS_HOSTS), *misspelled_names()]:
        print(line)


def _addresses(database: dict[str, str], hosts: list[dict[str, str]]) -> list[str]:
    lines = []
    if env.str("DATABASE_URL", ""):
        where = f"PostgreSQL at {database['HOST'] or 'a local socket'}" if "HOST" in database else "SQLite"
        lines.append(f"DATABASE_URL: {where}, {database['NAME']}")
    if env.str("REDIS_URL", ""):
        lines.append(f"REDIS_URL: {', '.join(map(address_without_password, hosts))}")
    return lines


if __name__ == "__main__":
    main()
