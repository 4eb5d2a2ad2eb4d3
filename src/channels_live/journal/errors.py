"""Why an entry is not stored."""

import math

MILLISECONDS = 1000


class Overloaded(Exception):
    """The queue is full; nothing was stored, and the sender may try again."""


class Unavailable(Exception):
    """The database does not answer, or stores nothing. The sender may send again under the same id."""


class Unprocessable(Exception):
    """The database takes everything but this draft. Sending it again would change nothing."""


class InvalidInput(Exception):
    """A client sent what is not accepted.

    ``code`` is for programs, ``detail`` says what was expected, and ``entry_id`` is the id of the entry it was about,
    None where that is not known.
    """

    def __init__(self, code: str, detail: str, entry_id: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.entry_id = entry_id


class RateLimited(Exception):
    """A client sent too much.

    ``limit`` names what refused, one of channels_live.observability.metrics.LIMITS; ``wait`` are the seconds until it
    takes the next, ``retry_after`` the same in whole milliseconds. ``is_own_fault`` is False where others have used up
    what there is, and the client behaves.
    """

    def __init__(self, limit: str, wait: float, is_own_fault: bool = True) -> None:
        super().__init__(limit)
        self.limit = limit
        self.is_own_fault = is_own_fault
        self.retry_after = math.ceil(wait * MILLISECONDS) / MILLISECONDS
