"""All clients of a test come from one address, so nginx of the loads, faults and drills has no limit per address."""

NO_LIMITS = {"HANDSHAKE_RATE": "0", "MAX_SOCKETS_PER_ADDRESS": "0", "REQUEST_RATE": "0", "ACCOUNT_RATE": "0"}
