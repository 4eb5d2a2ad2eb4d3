"""``python -m ws``: Daphne, with its options taken from the settings."""

import gc
import os

import django

from base.environment import exit_on_wrong_configuration
from ws.open_files import raise_limit_of_open_files


def main() -> None:
    # Imports leave next to no garbage, and looking for it takes a quarter of the start; ws.server enables it again.
    gc.disable()
    raise_limit_of_open_files()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
    with exit_on_wrong_configuration():
        from base import identity
        from ws import settings

        identity.check(settings)
    # Before the application, because Twisted's reactor is chosen at its first import.
    from ws.server import CommandLineInterface

    django.setup()
    with exit_on_wrong_configuration():
        from base.start_checks import check_before_serving

        check_before_serving()
    host, _, port = settings.BIND.rpartition(":")
    max_bytes = str(settings.MAX_FRAME_KIB * 1024)
    CommandLineInterface().run(
        [
            *("--bind", host.strip("[]"), "--port", port),
            # nginx is in front and overwrites the forwarding headers.
            "--proxy-headers",
            "--no-server-name",
            *("--ping-interval", str(settings.PING_INTERVAL)),
            *("--ping-timeout", str(settings.PING_TIMEOUT)),
            *("--websocket-max-message-size", max_bytes),
            *("--websocket-max-frame-size", max_bytes),
            *("--websocket_connect_timeout", str(settings.HANDSHAKE_TIMEOUT)),
            # Sockets live until one side wants to end them.
            *("--websocket_timeout", "-1"),
            "ws.asgi:application",
        ]
    )


if __name__ == "__main__":
    main()
