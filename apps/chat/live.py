"""The chat's moving parts in one ws process: database thread, group commit, hub, access cache, presence, lobby."""

import functools
from collections.abc import Collection, Mapping

from channels_live.conf import live_settings
from channels_live.database import SharedReads, get_database_thread, one_by_one
from channels_live.event_loop import once_per_event_loop
from channels_live.hub import Event, Presence, get_hub
from channels_live.revocation import get_revocations
from channels_live.server import add_shutdown_hook
from chat import events, journal
from chat.access_cache import AccessCache
from chat.group_commit import GroupCommit
from chat.history_page import history_frame
from chat.journal import Stored
from chat.limits import Limits
from chat.lobby import Lobby
from chat.pages import fitting
from chat.rooms import group_name

# Of a page of the replay, what is read to see whether texts are long.
FIRST_ROWS = 50


class JournalSource:
    """The journal as the hub reads it; a topic is a room."""

    def group(self, topic: str) -> str:
        return group_name(topic)

    def epoch(self) -> str:
        return journal.epoch()

    def heads(self, topics: Collection[str]) -> Mapping[str, int]:
        return journal.heads(topics)

    def after(self, topic: str, seq: int) -> list[Event]:
        found = journal.after(topic, seq, FIRST_ROWS)
        if len(found) == FIRST_ROWS == len(fitting(found, text_of=_text)):
            # Not at once: where texts are long, most of what the database gave would be thrown away.
            found += journal.after(topic, found[-1].seq, journal.PAGE - FIRST_ROWS)
        page = fitting(found, text_of=_text)
        return [Event(events.message_frames(message), message.seq, altered=message.removed) for message in page]


def _text(message: Stored) -> str:
    return message.text


class Live:
    """What all consumers of the process share. Make it inside the event loop."""

    def __init__(self) -> None:
        self.database = get_database_thread()
        self.hub = get_hub(JournalSource)
        self.bounds = SharedReads(functools.partial(self.database.run, journal.bounds_of))
        self.history = SharedReads(functools.partial(self.database.run, one_by_one, history_frame))
        self.access_cache = AccessCache(self.database, get_revocations())
        self.presence = Presence(self.hub, self._present)
        self.lobby = Lobby(self.hub, self.access_cache.open_to_guests)
        self.limits = Limits()
        self.commits = GroupCommit(
            functools.partial(self.database.run, journal.append), live_settings.JOURNAL_QUEUE, self._committed
        )
        add_shutdown_hook(self.close)

    async def close(self) -> None:
        """Withdraw the presence of all members."""
        self.presence.close()
        self.lobby.close()

    def _committed(self, message: Stored) -> None:
        self.hub.publish(message.room, Event(events.message_frames(message), message.seq))

    def _present(self, room: str, count: int, names: list[str]) -> None:
        self.lobby.count(room, count)
        self.hub.deliver(room, Event(events.presence_frames(count, names), state="presence"))


@once_per_event_loop
def live() -> Live:
    """Return the process' one Live, made when the first member comes."""
    return Live()
