"""The memory growth of a ws process."""

from deploy.local import Stack
from tests.support.processes import memory_kib

# Memory that one client may cost: its buffers, and what the allocator keeps of them.
MOST_KIB = 8 * 1024


class Growth:
    """The largest growth of the process since the beginning, in KiB."""

    def __init__(self, stack: Stack) -> None:
        self._pid = stack.process("ws-1").pid or 0
        self._before = memory_kib([self._pid])
        self.kib = 0

    def look(self) -> None:
        self.kib = max(self.kib, memory_kib([self._pid]) - self._before)
