"""Objects that a process has once per event loop: a process of ws has one loop, tests have one after another."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["once_per_event_loop"]

Function = TypeVar("Function", bound=Callable[..., Any])


def once_per_event_loop(function: Function) -> Function:
    """Decorate a function that returns an object of the running event loop, so that each loop has one.

    As functools.cache, but for the running loop: what was made in another is not returned, nor kept after its end.
    """
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()

    @functools.wraps(function)
    def of_this_loop(*arguments: Any) -> Any:
        here = made.setdefault(asyncio.get_running_loop(), {})
        if arguments not in here:
            here[arguments] = function(*arguments)
        return here[arguments]

    return of_this_loop  # type: ignore[return-value]
