"""Django settings of ws: WebSockets under Daphne."""

from base.settings import *  # noqa: F403

ASGI_APPLICATION = "ws.asgi.application"

# ws serves no pages, so it needs no middleware that protects pages.
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # SecurityMiddleware
    "security.W002",  # XFrameOptionsMiddleware
    "security.W003",  # CsrfViewMiddleware
]
