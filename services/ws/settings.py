"""Settings of ws: WebSockets under Daphne."""

from environs import validate

from base.environment import env
from base.settings import *  # noqa: F403
from channels_live.server import sockets_that_fit

ASGI_APPLICATION = "ws.asgi.application"

# Seconds of silence after which a ping is sent, and seconds within which the pong must come.
PING_INTERVAL = env.int("PING_INTERVAL", 20, validate=validate.Range(1, 3600))
PING_TIMEOUT = env.int("PING_TIMEOUT", 30, validate=validate.Range(1, 3600))
# Largest WebSocket message a client may send, in KiB; a larger one closes the socket with 1009.
MAX_FRAME_KIB = env.int("MAX_FRAME_KIB", 64, validate=validate.Range(1, 1024))
# What others send and a member has not read yet, in KiB; beyond that it is closed with 1013, and can
# resume. Its consumer's own answers wait for it.
MEMBER_BUFFER_KIB = env.int("MEMBER_BUFFER_KIB", 512, validate=validate.Range(64, 65536))
# On SIGTERM: seconds that new sockets are still taken after /readyz has said 503, and seconds over which the closes
# with 1012 are spread.
DRAIN_DELAY = env.float("DRAIN_DELAY", 0, validate=validate.Range(0, 300))
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 10, validate=validate.Range(0, 3600))
# Seconds after which a socket is closed with 1012, give or take a tenth, so that old ones move to new processes;
# 0 is never.
MAX_CONNECTION_AGE = env.int("MAX_CONNECTION_AGE", 0, validate=validate.Range(0, 604800))
# Sockets that the process takes; one more is closed with 1013. By default 15,000, or what its open files allow.
MAX_SOCKETS = sockets_that_fit(env.int("MAX_SOCKETS", None, validate=validate.Range(1, 1_000_000)))
# Sockets of one user, or of one guest, in the process; one more is closed with 1013. 0 is no limit.
MAX_SOCKETS_PER_USER = env.int("MAX_SOCKETS_PER_USER", 50, validate=validate.Range(0, 1_000_000))
# Handshakes that the process answers at a time; the others wait for their turn. See server/handshake_queue.py.
MAX_HANDSHAKES = env.int("MAX_HANDSHAKES", 64, validate=validate.Range(1, 1_000_000))
# Seconds that a connection has for its request, and once it is its turn, the application for the answer.
HANDSHAKE_TIMEOUT = env.int("HANDSHAKE_TIMEOUT", 5, validate=validate.Range(1, 300))
# Refused frames of one socket, forgotten at the rate of as many a minute, beyond which it is closed with 1008;
# 0 is never.
MAX_REFUSALS = env.int("MAX_REFUSALS", 200, validate=validate.Range(0, 1_000_000))

# ws serves no page: what protects pages is web's.
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # SecurityMiddleware
    "security.W002",  # XFrameOptionsMiddleware
    "security.W003",  # CsrfViewMiddleware
]
