"""An environment without limits, for tests that send more than one member or one address may by default."""

NO_LIMITS = {
    "HANDSHAKE_RATE": "0",
    "MAX_SOCKETS_PER_ADDRESS": "0",
    "MAX_REQUESTS_PER_ADDRESS": "0",
    "MAX_READS_PER_ADDRESS": "0",
    "REQUEST_RATE": "0",
    "ACCOUNT_RATE": "0",
    "MESSAGE_RATE": "0",
    "ROOM_MESSAGE_RATE": "0",
    "HISTORY_RATE": "0",
    "TYPING_RATE": "0",
    "MAX_SOCKETS_PER_USER": "0",
}
