"""The environment of stacks whose tests send more than the defaults let one member, or one address, send."""

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
