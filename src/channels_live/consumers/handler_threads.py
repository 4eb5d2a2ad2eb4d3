"""The threads in which the handlers of synchronous consumers run, and their way back to the event loop.

They are neither asgiref's one thread, which everything else that is synchronous shares, nor those of authentication.
"""

import asyncio
import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from asgiref.sync import SyncToAsync, _restore_context
from django.db import close_old_connections, connections

from channels_live.blocked_threads import blocks_thread
from channels_live.consumers.old_connections import close_old_connections_of_this_thread

if TYPE_CHECKING:
    from channels_live.consumers.deliveries import Deliveries
    from channels_live.consumers.mailbox import Mailbox

logger = logging.getLogger(__name__)

# As many handlers may block at once, each with a database connection of its own where it uses one.
MAX_THREADS = 32
# Seconds between two looks at whether handlers block, and how many a thread that does not block has run by then.
LOOK_SECONDS, HANDLERS_PER_LOOK = 0.005, 5
# Seconds after which a thread is started again that could not be.
RETRY_SECONDS = 1.0
# Seconds that a handler has waited for a thread when that is logged, and between two such lines.
WAITED_SECONDS, WARNING_SECONDS = 1.0, 60.0
# Seconds of results after which other tasks of the event loop have a turn.
TURN_SECONDS = 0.002

Message = dict[str, Any]
Turn = asyncio.Future[None]


class HandlerThreads:
    """Runs handlers in threads: many by one thread while they are quick, and by more where they block.

    Belongs to one event loop. ``put`` and ``run`` are called there, ``post`` and ``wait_for`` by handlers.
    """

    def __init__(self, deliveries: "Deliveries") -> None:
        self._deliveries = deliveries
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        # One thread keeps its database connection. Where handlers block, others help, and close theirs afterwards: a
        # process at rest has one connection, whatever it has handled.
        self._first = ThreadPoolExecutor(1, thread_name_prefix="consumer")
        self._others = ThreadPoolExecutor(MAX_THREADS - 1, thread_name_prefix="consumer-other")
        self._is_first_busy = False
        # Not that of whichever consumer comes first.
        self._context: Context = Context()
        # What no thread has begun, and since when. None is the turn of an event, for which nobody waits.
        self._waiting: deque[tuple[Mailbox, Message, Turn | None, float]] = deque()
        self._warned_at = -WARNING_SECONDS
        self._threads = 0
        self._finished = self._seen = 0
        self._timer: asyncio.TimerHandle | None = None
        # What handlers have for the event loop, in order.
        self._posted: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_scheduled = False

    def put(self, mailbox: "Mailbox", message: Message, turn: Turn | None = None) -> None:
        """Have a message handled; without a ``turn`` it is an event, whose mailbox is told of the end."""
        self._waiting.append((mailbox, message, turn, time.monotonic()))
        if not self._threads:
            self._start_thread()
        elif self._timer is None:
            self._look_later()

    async def run(self, mailbox: "Mailbox", message: Message) -> None:
        """Have a message handled, and return when it is; raises what the handler raises."""
        turn = self._loop.create_future()
        self.put(mailbox, message, turn)
        await turn

    def post(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function in the event loop, after all that was posted before; what it raises is logged."""
        self._posted.append((function, arguments))
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._call_posted)

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function in the event loop, and return when it has ended; raises what it raises."""

        async def called() -> None:
            function(*arguments)

        self.wait_for(called)

    def wait_for(self, function: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """Run a coroutine function in the event loop, after all that was posted before; raises what it raises."""
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError("A synchronous consumer cannot send from the event loop's thread.")
        result: Future[None] = Future()
        self.post(self._await, function(*arguments), result)
        result.result()

    # --- In the event loop

    def _start_thread(self) -> None:
        self._threads += 1
        is_first = not self._is_first_busy
        self._is_first_busy = True
        executor = self._first if is_first else self._others
        # asgiref notes the event loop in the thread, so that async_to_sync finds it.
        work = SyncToAsync(self._work, thread_sensitive=False, executor=executor)
        task = self._loop.create_task(work(is_first), context=self._context.copy())
        task.add_done_callback(functools.partial(self._thread_ended, is_first))
        self._look_later()

    def _thread_ended(self, is_first: bool, task: asyncio.Task[None]) -> None:
        self._threads -= 1
        if is_first:
            self._is_first_busy = False
        if not task.cancelled() and (error := task.exception()):
            logger.error("A thread for consumers could not be started, or has failed", exc_info=error)
            self._loop.call_later(RETRY_SECONDS, self._start_first_thread)
        else:
            self._start_first_thread()

    def _start_first_thread(self) -> None:
        if self._waiting and not self._threads:
            self._start_thread()

    def _look_later(self) -> None:
        if self._timer is None:
            self._seen = self._finished
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Start another thread where handlers wait because others block."""
        self._timer = None
        if not self._waiting:
            return
        if self._threads >= MAX_THREADS:
            self._warn()
        elif self._finished - self._seen < self._threads * HANDLERS_PER_LOOK:
            self._start_thread()
        self._look_later()

    def _warn(self) -> None:
        now = time.monotonic()
        # A thread may take the oldest meanwhile.
        try:
            since = self._waiting[0][-1]
        except IndexError:
            return
        if now - since > WAITED_SECONDS and now - self._warned_at > WARNING_SECONDS:
            self._warned_at = now
            logger.warning(
                "All %d threads for synchronous consumers are busy; the oldest of %d waiting handlers waits for %.1f s",
                self._threads,
                len(self._waiting),
                now - since,
            )

    def _call_posted(self) -> None:
        self._is_scheduled = False
        turn_ends = time.monotonic() + TURN_SECONDS
        while self._posted:
            function, arguments = self._posted.popleft()
            try:
                function(*arguments)
            except Exception:
                logger.exception("What a handler has sent could not be handled")
            if time.monotonic() > turn_ends and not self._is_scheduled:
                self._is_scheduled = True
                self._loop.call_soon(self._call_posted)
                break
        self._deliveries.count()

    def _await(self, coroutine: Coroutine[Any, Any, None], result: "Future[None]") -> None:
        self._deliveries.start(_settle(coroutine, result))

    def _ended(self, mailbox: "Mailbox", turn: Turn | None, error: BaseException | None) -> None:
        self._finished += 1
        if turn is None:
            if error is not None:
                mailbox.event_failed(error)
            mailbox.end_turn()
        elif turn.done():
            pass  # its task was cancelled meanwhile
        elif error is not None:
            turn.set_exception(error)
        else:
            turn.set_result(None)

    # --- In a thread

    def _work(self, is_first: bool) -> None:
        _close(close_old_connections)
        try:
            while True:
                try:
                    mailbox, message, turn, _ = self._waiting.popleft()
                except IndexError:
                    return
                self._handle(mailbox, message, turn)
                del mailbox, message, turn
        finally:
            _close(close_old_connections if is_first else connections.close_all)

    def _handle(self, mailbox: "Mailbox", message: Message, turn: Turn | None) -> None:
        error = None
        # A copy, since the task that waits for this handler is entered again in the original where it is cancelled.
        context = mailbox.context.copy()
        try:
            context.run(_call, mailbox.consumer.handle_in_thread, message)
        except BaseException as raised:
            # StopIteration cannot be raised out of a future.
            error = RuntimeError("A handler raised StopIteration") if isinstance(raised, StopIteration) else raised
        mailbox.context = context
        _close(close_old_connections_of_this_thread)
        self.post(self._ended, mailbox, turn, error)


def _close(close: Callable[[], None]) -> None:
    try:
        close()
    except Exception:
        logger.exception("A database connection could not be closed")


def _call(handle: Callable[[Message], None], message: Message) -> None:
    # What a handler has set in another thread, such as the active language, is to be seen in this one.
    _restore_context(copy_context())
    handle(message)


async def _settle(coroutine: Coroutine[Any, Any, None], result: "Future[None]") -> None:
    blocks_thread.set(True)
    try:
        await coroutine
    except BaseException as error:
        result.set_exception(error)
    else:
        result.set_result(None)
