"""What follows where the numbers of a topic are not its journal's.

The journal has gone back: a dump was restored, or a failover lost commits. Or a number came through the channel layer
that nobody committed. The members were shown what is not there, and would not be shown what comes under these numbers.
So they are closed with 1012, come back, and are told to reset.
"""

import logging
import time

from channels_live.close_codes import CloseCode
from channels_live.hub.gradual_close import GradualClose
from channels_live.hub.topic import Topic
from channels_live.observability import metrics

logger = logging.getLogger(__name__)

# So long those who were closed have time to come back.
REMEMBERED_SECONDS = 60.0


class Rewinds:
    """Closes the members of such topics, and remembers the numbers that they may come back with."""

    def __init__(self) -> None:
        self._closing = GradualClose(CloseCode.SERVICE_RESTART)
        # By topic: until when, and the numbers between which nothing is known to be right.
        self._numbers: dict[str, tuple[float, int, int]] = {}
        self._pruned_at = -REMEMBERED_SECONDS

    def add(self, topic: Topic, head: int) -> None:
        """Close the members, who were shown the numbers up to the topic's; those up to ``head`` are the journal's."""
        metrics.REWINDS.inc()
        now = time.monotonic()
        if now - self._pruned_at > REMEMBERED_SECONDS:
            # Not for each of the many topics that a restored dump takes back at once.
            self._pruned_at = now
            self._numbers = {name: numbers for name, numbers in self._numbers.items() if numbers[0] > now}
        if not self._numbers:
            logger.warning("The journal ends before what members were shown: they are closed, and begin again")
        until, least, last = self._numbers.get(topic.name, (0.0, head, topic.seq))
        if until < now:
            least, last = head, topic.seq
        self._numbers[topic.name] = now + REMEMBERED_SECONDS, min(least, head), max(last, topic.seq)
        self._closing.add(topic.sockets())

    def covers(self, name: str, seq: int) -> bool:
        """Whether a member of the topic that has seen this number may have seen it of something else."""
        until, head, last = self._numbers.get(name, (0.0, 0, 0))
        return head < seq <= last and time.monotonic() < until
