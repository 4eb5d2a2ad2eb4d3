"""``python -m ws``: Daphne, with its options taken from the settings."""

import gc
import os

import django

from base.environment import exit_on_wrong_configuration
from channels_live.server.file_limits import raise_limit_of_open_files


def main() -> None:
    set_up()
    with exit_on_wrong_configuration():
        from channels_live.database import check_before_serving

        check_before_serving()
    serve()


def set_up() -> None:
    """Read the settings and set Django up; a wrong setting ends the process with one sentence."""
    # Imports leave next to no garbage, and looking for it takes a quarter of the start; the server enables it again.
    gc.disable()
    raise_limit_of_open_files()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
    with exit_on_wrong_configuration():
        from base import identity
        from ws import settings

        identity.check(settings)
    # Before the application, because Twisted's reactor is chosen at its first import.
    import channels_live.server.server  # noqa: F401

    django.setup()


def serve() -> None:
    """Serve ``ws.asgi.application`` until a signal ends the process; ``set_up`` comes before."""
    from channels_live.server.server import CommandLineInterface
    from ws import settings

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
