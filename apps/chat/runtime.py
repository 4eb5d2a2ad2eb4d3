"""The objects that all consumers of the chat share in one ws process: journal, access, presence, lobby, limits."""

import functools
from collections.abc import Mapping

from channels_live.database import SharedReads, one_by_one
from channels_live.event_loop import once_per_event_loop
from channels_live.hub import Event, Presence
from channels_live.journal import JournalRuntime, JournalSource
from channels_live.revocation import get_revocations
from channels_live.server import add_shutdown_hook
from chat.access_cache import AccessCache
from chat.history_page import history_frame
from chat.journal import journal
from chat.limits import Limits
from chat.lobby import Lobby
from chat.models import Message
from chat.protocol import message_frames, presence_frames


class RoomSource(JournalSource):
    """The rooms as the hub reads them."""

    journal = journal

    def frames(self, entry: Message) -> Mapping[str, str]:
        return message_frames(entry)


class ChatRuntime(JournalRuntime):
    """Create it inside the event loop. ``history.get(question)`` returns a page, see chat.history_page."""

    def __init__(self) -> None:
        super().__init__(RoomSource)
        self.history = SharedReads(functools.partial(self.database.run, one_by_one, history_frame))
        self.access_cache = AccessCache(self.database, get_revocations())
        self.presence = Presence(self.hub, self._present)
        self.lobby = Lobby(self.hub, self.access_cache.open_to_guests)
        self.limits = Limits()
        add_shutdown_hook(self.close)

    async def close(self) -> None:
        """Withdraw the presence of all members."""
        self.presence.close()
        self.lobby.close()

    def _present(self, room: str, count: int, names: list[str]) -> None:
        self.lobby.count(room, count)
        self.hub.deliver(room, Event(presence_frames(count, names), state="presence"))


@once_per_event_loop
def get_chat_runtime() -> ChatRuntime:
    """Return the process's only runtime of the chat, which the first member creates."""
    return ChatRuntime()
