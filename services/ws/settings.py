"""Settings of ws: WebSockets under Daphne."""

from base.settings import *  # noqa: F403

ASGI_APPLICATION = "ws.asgi.application"

# ws serves no pages: what protects pages is web's.
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # SecurityMiddleware
    "security.W002",  # XFrameOptionsMiddleware
    "security.W003",  # CsrfViewMiddleware
]
