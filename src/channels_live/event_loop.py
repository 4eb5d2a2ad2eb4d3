"""What a process has once, while it has one event loop; tests have one after another."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Function = TypeVar("Function", bound=Callable[..., Any])


def once_per_event_loop(function: Function) -> Function:
    """Decorate a function that makes something of the running event loop, so that it does so once for each."""
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Any, ...], Any]] = WeakKeyDictionary()

    @functools.wraps(function)
    def of_this_loop(*arguments: Any) -> Any:
        here = made.setdefault(asyncio.get_running_loop(), {})
        if arguments not in here:
            here[arguments] = function(*arguments)
        return here[arguments]

    return of_this_loop  # type: ignore[return-value]
