"""``python -m ws``: Daphne, with its options taken from the settings."""

import gc
import os

import django

from base.environment import exit_on_invalid_configuration
from channels_live.conf import live_settings
from channels_live.server.file_limits import raise_limit_of_open_files, sockets_that_fit


def main() -> None:
    set_up()
    with exit_on_invalid_configuration():
        from channels_live.database.start_checks import check_before_serving

        check_before_serving()
    serve()


def set_up() -> None:
    """Read the settings and set Django up; an invalid setting ends the process with one sentence."""
    # Imports leave next to no garbage, and looking for it takes a quarter of the start; the server enables it again.
    gc.disable()
    raise_limit_of_open_files()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
    with exit_on_invalid_configuration():
        from base.check_settings import check
        from ws import settings

        check(settings)
        sockets_that_fit(live_settings.MAX_SOCKETS)
    # Before the application, because Twisted's reactor is chosen at its first import.
    import channels_live.server.server  # noqa: F401

    django.setup()


def serve() -> None:
    """Serve ``ws.asgi.application`` until a signal ends the process; ``set_up`` comes before."""
    from channels_live.server.server import CommandLineInterface

    host, _, port = live_settings.BIND.rpartition(":")
    max_bytes = str(live_settings.MAX_FRAME_KIB * 1024)
    CommandLineInterface().run(
        [
            *("--bind", host.strip("[]"), "--port", port),
            # nginx is in front and overwrites the forwarding headers.
            "--proxy-headers",
            "--no-server-name",
            *("--ping-interval", str(live_settings.PING_INTERVAL)),
            *("--ping-timeout", str(live_settings.PING_TIMEOUT)),
            *("--websocket-max-message-size", max_bytes),
            *("--websocket-max-frame-size", max_bytes),
            *("--websocket_connect_timeout", str(live_settings.HANDSHAKE_TIMEOUT)),
            # Sockets live until one side wants to end them.
            *("--websocket_timeout", "-1"),
            "ws.asgi:application",
        ]
    )


if __name__ == "__main__":
    main()
