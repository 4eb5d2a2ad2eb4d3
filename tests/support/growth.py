"""How much a ws process grows by what its clients do."""

from deploy.local import Stack
from tests.support.processes import memory_kib

# What one client may cost for good or for a while: its buffers, and what the allocator keeps of them.
MOST_KIB = 8 * 1024


class Growth:
    """The most that the process has grown since the beginning, in KiB."""

    def __init__(self, stack: Stack) -> None:
        self._pid = stack.process("ws-1").pid or 0
        self._before = memory_kib([self._pid])
        self.kib = 0

    def look(self) -> None:
        self.kib = max(self.kib, memory_kib([self._pid]) - self._before)
