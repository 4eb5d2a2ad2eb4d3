"""Pages of a stream's entries: bounded by their bytes, and not only by the number of entries.

A reader may take as long over a page as they like, and meanwhile nginx holds it in memory. deploy/nginx has buffers
for a page of this size and what stands around it: a larger one would wait in a thread of web for its reader.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

PAGE_BYTES = 128 * 1024
"""The size of a page, in bytes of UTF-8. 200 everyday messages have less; of the longest in Japanese ten fit."""


def fitting(items: Iterable[Item], text_of: Callable[[Item], str]) -> list[Item]:
    """Return the first of the items whose texts have at most PAGE_BYTES together; one at least, where there is one."""
    page: list[Item] = []
    left = PAGE_BYTES
    for item in items:
        text = text_of(item)
        left -= len(text) if text.isascii() else len(text.encode())
        if left < 0 and page:
            break
        page.append(item)
    return page
