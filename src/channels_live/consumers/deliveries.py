"""Gives the events of the channel layer to the consumers of the process: in order, without a task for each consumer."""

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any

from channels_live.consumers import context
from channels_live.consumers.handler_threads import HandlerThreads
from channels_live.consumers.mailbox import Event, Mailbox
from channels_live.consumers.metrics import EVENTS, EVENTS_DROPPED
from channels_live.event_loop import once_per_event_loop
from channels_live.observability import metrics

if TYPE_CHECKING:
    from channels_live.consumers.base import LiveConsumer

logger = logging.getLogger(__name__)

# Deliveries that wait, each of an event to one consumer; beyond that new ones are dropped.
MAX_WAITING = 200_000
# Seconds of handlers after which other tasks of the event loop have a turn.
TURN_SECONDS = 0.002

# Of values that no handler can change for others.
SCALARS = frozenset({str, bytes, int, float, bool, type(None)})


class Deliveries:
    """All events of the process that wait for a consumer, in the order in which they came.

    One task gives them to the consumers, and goes on to the next one where a handler ends without waiting. Where it
    waits, the task is the handler's until that has ended, and another takes the rest. So a handler holds up its own
    consumer only, and has a task of its own whenever it could notice.
    """

    def __init__(self) -> None:
        self._queue: deque[tuple[Mailbox, Event]] = deque()
        self._has_worker = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_dropping = False
        # The last event that was read: as it came, what it says, and whether a copy of that shares nothing.
        self._read: tuple[bytes, dict[str, Any], bool] = (b"", {}, False)
        # Sent by handlers since the last time it was counted.
        self._sent_frames = self._sent_bytes = self._events = 0

    @functools.cached_property
    def threads(self) -> HandlerThreads:
        """Where the handlers of synchronous consumers run."""
        return HandlerThreads(self)

    def put(self, mailbox: Mailbox, event: Event) -> None:
        """Have an event handled by a consumer, in order, soon."""
        if len(self._queue) >= MAX_WAITING:
            EVENTS_DROPPED.inc()
            if not self._is_dropping:
                logger.warning("Dropping events: %d deliveries wait for handlers", MAX_WAITING)
            self._is_dropping = True
            return
        self._queue.append((mailbox, event))
        if not self._has_worker:
            self._has_worker = True
            self.start(self._work())

    def resume(self, mailbox: Mailbox, event: Event) -> None:
        """Go on with the events of a busy consumer, of which this is the next."""
        self.start(self._catch_up(mailbox, event))

    def count_written(self, size: int) -> None:
        """Count a frame that a handler has sent; the metrics show it by the end of the turn."""
        self._sent_frames += 1
        self._sent_bytes += size

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the background."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            handling = await self._give()
        finally:
            # However this task ends, another one takes the rest; without it no consumer of the process gets events.
            self._start_successor()
        if handling:
            await self._finish(*handling)

    async def _give(self) -> tuple[Mailbox, Awaitable[None]] | None:
        """Give events to their consumers until none is left, or a handler waits: return what this task then finishes.

        None as well where a handler has cancelled the task, which nothing else may use.
        """
        task = asyncio.current_task()
        assert task
        turn_ends = time.monotonic() + TURN_SECONDS
        while self._queue:
            mailbox, event = self._queue.popleft()
            if mailbox.has_stopped:
                continue
            if mailbox.is_busy:
                mailbox.wait(event)
                continue
            mailbox.is_busy = True
            try:
                coroutine = self._handler(mailbox, event)
                if coroutine is None:
                    continue
                waits, awaited = context.begin(mailbox.context, coroutine)
                if waits:
                    return mailbox, mailbox.finish(coroutine, awaited)
            except BaseException as error:
                self._failed(mailbox, error)
            else:
                if task.cancelling():
                    # What the handler has cancelled is its own consumer, and no other.
                    mailbox.event_failed(asyncio.CancelledError())
                mailbox.end_turn()
            if task.cancelling():
                return None
            if time.monotonic() > turn_ends:
                self.count()
                await asyncio.sleep(0)
                turn_ends = time.monotonic() + TURN_SECONDS
        self._is_dropping = False
        return None

    def _start_successor(self) -> None:
        if self._queue:
            self.start(self._work())
        else:
            self._has_worker = False
        self.count()

    async def _catch_up(self, mailbox: Mailbox, event: Event) -> None:
        try:
            coroutine = self._handler(mailbox, event)
        except BaseException as error:
            self._failed(mailbox, error)
            return
        if coroutine is not None:
            await self._finish(mailbox, mailbox.run(coroutine))
            self.count()

    async def _finish(self, mailbox: Mailbox, handling: Awaitable[None]) -> None:
        """Wait until a handler has ended. This task is the handler's, and what waited for it gets a task of its own."""
        try:
            await handling
        except GeneratorExit:
            raise  # the event loop has been closed
        except BaseException as error:
            self._failed(mailbox, error)
        else:
            mailbox.end_turn()

    def _failed(self, mailbox: Mailbox, error: BaseException) -> None:
        """End the turn of a handler that has raised; raises what is to end the process."""
        try:
            mailbox.event_failed(error)
        finally:
            mailbox.end_turn()
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            raise error

    def _handler(self, mailbox: Mailbox, event: Event) -> Coroutine[Any, Any, None] | None:
        """Return what handles an event; None where a thread does."""
        consumer: LiveConsumer = mailbox.consumer
        message = event if isinstance(event, dict) else self._message(mailbox, event)
        self._events += 1
        mailbox.may_write = True
        if mailbox.socket is not None and consumer.takes_events_in_threads:
            self.threads.put(mailbox, message)
            return None
        return consumer.dispatch(message)

    def _message(self, mailbox: Mailbox, event: bytes) -> dict[str, Any]:
        """Return the message of an event. Each consumer has a message of its own, as Channels gives it."""
        last, message, is_flat = self._read
        if event is not last:
            message = mailbox.consumer.channel_layer.deserialize(event)
            is_flat = SCALARS.issuperset(map(type, message.values()))
            self._read = event, message, is_flat
        return message.copy() if is_flat else mailbox.consumer.channel_layer.deserialize(event)

    def count(self) -> None:
        """Add to the metrics what was handled and sent since the last call."""
        if self._events:
            EVENTS.inc(self._events)
        if self._sent_frames:
            metrics.count_sent(self._sent_frames, self._sent_bytes)
        self._sent_frames = self._sent_bytes = self._events = 0


@once_per_event_loop
def get_deliveries() -> Deliveries:
    """Return the deliveries of the running event loop."""
    return Deliveries()
