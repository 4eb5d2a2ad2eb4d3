"""What happens where a topic's members were sent events that are not in the journal.

The journal has gone back: a dump was restored, or a failover lost commits. Or an event came through the channel layer
under a number that was never committed. The members would not be sent what is stored under these numbers later. So they
are closed with 1012, reconnect, and are told to reset.
"""

import logging
import time

from channels_live.close_codes import CloseCode
from channels_live.hub.gradual_close import GradualClose
from channels_live.hub.topic import Topic
from channels_live.observability import metrics

logger = logging.getLogger(__name__)

# How long closed members have to reconnect.
REMEMBERED_SECONDS = 60.0


class Rewinds:
    """Closes the members of such topics, and remembers the numbers with which they may reconnect."""

    def __init__(self) -> None:
        self._closing = GradualClose(CloseCode.SERVICE_RESTART)
        # By topic: until when, the last number that is valid, and the last that is not.
        self._numbers: dict[str, tuple[float, int, int]] = {}
        self._pruned_at = -REMEMBERED_SECONDS

    def add(self, topic: Topic, head: int) -> None:
        """Close the members, which were sent the numbers up to the topic's; those up to ``head`` are the journal's."""
        metrics.REWINDS.inc()
        now = time.monotonic()
        if now - self._pruned_at > REMEMBERED_SECONDS:
            # Not for each of the many topics that a restored dump takes back at once.
            self._pruned_at = now
            self._numbers = {name: numbers for name, numbers in self._numbers.items() if numbers[0] > now}
        if not self._numbers:
            logger.warning(
                "The journal lacks events that members were sent, as after a restored dump: closing them with 1012"
            )
        until, least, last = self._numbers.get(topic.name, (0.0, head, topic.seq))
        if until < now:
            least, last = head, topic.seq
        self._numbers[topic.name] = now + REMEMBERED_SECONDS, min(least, head), max(last, topic.seq)
        self._closing.add(topic.sockets())

    def covers(self, name: str, seq: int) -> bool:
        """Whether a client of the topic that has seen this number may have seen another event under it."""
        until, head, last = self._numbers.get(name, (0.0, 0, 0))
        return head < seq <= last and time.monotonic() < until
