"""Runs coroutines in a context of their own, within whichever task is at hand.

A task for each handler would cost more than most handlers do. asyncio's own way to run one without, an eager task,
needs Python 3.12 (https://docs.python.org/3/library/asyncio-task.html#asyncio.eager_task_factory).
"""

import types
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any

# What a coroutine that waits has yielded: a future, or None to wait for the next turn of the event loop.
Awaited = Any


def begin(context: Context, coroutine: Coroutine[Any, Any, Any]) -> tuple[bool, Awaited]:
    """Run a coroutine until it ends or waits, within the running task. Return whether it waits, and for what.

    Raises what the coroutine raises.
    """
    try:
        return True, context.run(coroutine.send, None)
    except StopIteration:
        return False, None


@types.coroutine
def finish(context: Context, coroutine: Coroutine[Any, Any, Any], awaited: Awaited) -> Generator[Any, Any, None]:
    """Run a coroutine that waits to its end. For it, the running task is its own: cancelled, timed out and so on."""
    while True:
        raised: BaseException | None = None
        try:
            value = yield awaited
        except BaseException as error:
            raised = error
        try:
            awaited = context.run(coroutine.send, value) if raised is None else context.run(coroutine.throw, raised)
        except StopIteration:
            return
        finally:
            # A traceback refers to this frame.
            del raised
