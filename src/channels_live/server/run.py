"""``python -m channels_live.server``: serve the project's ``ASGI_APPLICATION`` until a signal ends the process."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import django
from django.conf import ENVIRONMENT_VARIABLE
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from channels_live.conf import exit_on_invalid_configuration, live_settings
from channels_live.server.file_limits import raise_file_limit

# The tag of Django system checks whose errors stop the start, which a project registers as any other:
# https://docs.djangoproject.com/en/stable/topics/checks/
START_CHECKS = "channels_live.server"
DESCRIPTION = """\
Serve WebSockets with the application that ASGI_APPLICATION names, and /livez, /readyz and /metrics. The settings module
is that of DJANGO_SETTINGS_MODULE. SIGTERM closes the sockets with 1012, evenly over DRAIN_SECONDS; a second one, now.
X-Forwarded-For, -Port and -Proto are trusted: let only a proxy connect that overwrites them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. What makes a start impossible ends the process with one sentence and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="python -m channels_live.server",
        description=DESCRIPTION,
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    set_up()
    with exit_on_invalid_configuration():
        from django.conf import settings

        from channels_live.database import check_before_serving
        from channels_live.server.options import ServerOptions

        live_settings.check()
        # What the machine allows, such as open files; before the database is asked.
        ServerOptions.from_settings()
        if errors := [each.msg for each in checks.run_checks(tags=[START_CHECKS]) if each.is_serious()]:
            raise ImproperlyConfigured(" ".join(errors))
        if settings.DATABASES:
            check_before_serving()
    serve()


def set_up() -> None:
    """Choose Twisted's reactor, and set Django up. An invalid setting ends the process with one sentence."""
    # Imports leave next to no garbage, and looking for it takes a quarter of the start; the server enables it again.
    gc.disable()
    raise_file_limit()
    if not os.environ.get(ENVIRONMENT_VARIABLE):
        sys.exit(f"{ENVIRONMENT_VARIABLE} is not set: it names the project's settings module, such as mysite.settings.")
    with exit_on_invalid_configuration():
        # Before the application, because Twisted's reactor is chosen at its first import.
        import channels_live.server.server  # noqa: F401

        django.setup()


def serve(application: Any = None, **changed: Any) -> None:
    """Serve the application, by default that of the settings, until a signal ends the process.

    ``set_up`` comes before. ``changed`` are ServerOptions other than those of the settings.
    """
    from channels.routing import get_default_application
    from twisted.internet.endpoints import quoteStringArgument

    from channels_live.server.options import ServerOptions
    from channels_live.server.server import Server

    # Where a project's LOGGING leaves the root logger without a handler, as Django's default does.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with exit_on_invalid_configuration():
        options = ServerOptions.from_settings(**changed)
        application = application or get_default_application()
    host, _, port = options.bind.rpartition(":")
    server = Server(
        application,
        options,
        endpoints=[f"tcp:port={port}:interface={quoteStringArgument(host.strip('[]'))}"],
        # A proxy is in front, which overwrites the forwarding headers.
        proxy_forwarded_address_header="X-Forwarded-For",
        proxy_forwarded_port_header="X-Forwarded-Port",
        proxy_forwarded_proto_header="X-Forwarded-Proto",
        server_name="",
    )
    server.run()
    if server.abort_start:
        sys.exit(1)


def _settings_help() -> str:
    from channels_live.conf import LiveSettings
    from channels_live.server.options import SETTINGS

    declared = LiveSettings.declared()
    lines = [f"  {name:<21} {declared[name].sentence} [{declared[name].shown_default}]" for name in SETTINGS]
    return "\n".join(["Settings, in CHANNELS_LIVE of Django's settings or in the environment [default]:", *lines])
