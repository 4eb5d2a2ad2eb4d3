"""Settings of ws: WebSockets under Daphne."""

from environs import validate

from base.environment import env
from base.settings import *  # noqa: F403

ASGI_APPLICATION = "ws.asgi.application"

# Seconds of silence after which a ping is sent, and seconds within which the pong must come.
PING_INTERVAL = env.int("PING_INTERVAL", 20, validate=validate.Range(1, 3600))
PING_TIMEOUT = env.int("PING_TIMEOUT", 30, validate=validate.Range(1, 3600))
# Largest WebSocket message a client may send, in KiB; a larger one closes the socket with 1009.
MAX_FRAME_KIB = env.int("MAX_FRAME_KIB", 64, validate=validate.Range(1, 1024))
