"""The journal: the only place where messages are kept. Every function here blocks on the database."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from channels_live.database import is_duplicate
from channels_live.journal.epoch import journal_epoch
from chat.models import Message, Room

PAGE = 200
# A message stored by another process between our look and our insert; the second look sees it.
ATTEMPTS = 3
# Messages that one transaction prunes, so that nobody who appends to the room waits for long.
PRUNE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not stored yet. ``id`` is the client's: at most 64 characters, unique in the room."""

    room: str
    id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of the journal. ``is_new`` is False for one that had been stored before under its id."""

    room: str
    seq: int
    id: str
    author: str
    text: str
    sent_at: datetime
    removed: bool = False
    is_new: bool = True

    def is_of(self, draft: Draft) -> bool:
        """Whether it is the draft's message, and not another that was stored under the same id before."""
        return self.removed or self.text == draft.text


def append(drafts: Sequence[Draft]) -> list[Stored]:
    """Store the drafts in one transaction, and return one Stored for each, in their order.

    Numbers go up by one per room, whatever number of processes append at once: the room's row is locked
    from its update to the commit. A draft whose id the room knows already, from before or from earlier in
    the same call, is not stored again; the stored message is returned.

    Raises what django.db raises when nothing was stored; channels_live.database.kind_of tells what it means.
    """
    if not drafts:
        return []
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                # Hardly ever was a message stored before: only where the insert fails is it worth a look.
                return _append(drafts, _known(drafts) if attempt else {})
        except IntegrityError as error:
            if attempt == ATTEMPTS - 1 or not is_duplicate(error):
                raise
    raise AssertionError("unreachable")


def after(room: str, seq: int, limit: int = PAGE) -> list[Stored]:
    """Return the messages later than a sequence number, oldest first, at most ``limit``."""
    return _read(_messages(room).filter(seq__gt=seq).order_by("seq")[:limit], room)


def before(room: str, seq: int, limit: int = PAGE) -> list[Stored]:
    """Return the newest ``limit`` messages earlier than a sequence number, oldest first."""
    return _read(_messages(room).filter(seq__lt=seq).order_by("-seq")[:limit], room)[::-1]


def newest(room: str, limit: int = PAGE) -> tuple[list[Stored], int]:
    """Return the newest ``limit`` messages, oldest first, and the head that they reach up to."""
    head, _ = bounds(room)
    return before(room, head + 1, limit), head


def epoch() -> str:
    """Return what changes where a restored dump, or another database, takes the place of the journal."""
    return journal_epoch(Message)


def heads(rooms: Collection[str]) -> dict[str, int]:
    """Return the highest sequence number of each room, in one query. A room that nobody wrote in has 0."""
    known = dict(Room.objects.filter(name__in=rooms).values_list("name", "head"))
    return {room: known.get(room, 0) for room in rooms}


def bounds(room: str) -> tuple[int, int]:
    """Return the room's head, and the highest sequence number that retention has removed (0: none)."""
    return Room.objects.filter(name=room).values_list("head", "pruned_to").first() or (0, 0)


def bounds_of(rooms: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return the ``bounds`` of each room, in one query."""
    known = {
        name: (head, pruned_to)
        for name, head, pruned_to in Room.objects.filter(name__in=rooms).values_list("name", "head", "pruned_to")
    }
    return {room: known.get(room, (0, 0)) for room in rooms}


def remove(pk: int) -> Stored:
    """Take the text of a message away for good; its number stays. Removing again changes nothing.

    Raises Message.DoesNotExist where retention was faster.
    """
    Message.objects.filter(pk=pk, removed_at=None).update(text="", removed_at=timezone.now())
    message = Message.objects.select_related("room").get(pk=pk)
    return _stored(message, message.room.name, is_new=False)


def recent_rooms(limit: int) -> list[Room]:
    """Return the rooms that were written in last, the latest first."""
    return list(Room.objects.exclude(active_at=None).order_by("-active_at")[:limit])


def prune(older_than: datetime) -> dict[int, int]:
    """Delete each room's messages up to the newest that is older; return how many, by the room's key.

    Always the lowest numbers, so that what is kept has no gap. ``Room.pruned_to`` says how far.
    """
    old = Message.objects.filter(sent_at__lt=older_than)
    deleted: dict[int, int] = {}
    for room_id, last in list(old.values_list("room_id").annotate(last=Max("seq")).order_by("room_id")):
        deleted[room_id] = 0
        while count := _prune_batch(room_id, last):
            deleted[room_id] += count
    return deleted


def _prune_batch(room_id: int, last: int) -> int:
    with transaction.atomic():
        numbers = Message.objects.filter(room_id=room_id, seq__lte=last).order_by("seq")
        if not (batch := list(numbers.values_list("seq", flat=True)[:PRUNE_BATCH])):
            return 0
        # Room before messages, in the order in which append locks them.
        Room.objects.filter(pk=room_id).update(pruned_to=batch[-1])
        return Message.objects.filter(room_id=room_id, seq__lte=batch[-1]).delete()[0]


def _append(drafts: Sequence[Draft], known: dict[tuple[str, str], Stored]) -> list[Stored]:
    new: dict[tuple[str, str], Draft] = {}
    for draft in drafts:
        if (draft.room, draft.id) not in known:
            new.setdefault((draft.room, draft.id), draft)
    now = timezone.now()
    rooms = _take_numbers(Counter(draft.room for draft in new.values()), now)
    rows = []
    for key, draft in new.items():
        pk, seq = rooms[draft.room]
        rooms[draft.room] = pk, seq + 1
        known[key] = Stored(draft.room, seq, draft.id, draft.author, draft.text, now)
        rows.append((pk, seq, draft.id, draft.author, draft.text))
    _insert(rows, now)
    return [known[draft.room, draft.id] for draft in drafts]


def _known(drafts: Sequence[Draft]) -> dict[tuple[str, str], Stored]:
    """Return what is stored already under the drafts' ids."""
    wanted = Q()
    for room in {draft.room for draft in drafts}:
        wanted |= Q(room__name=room, client_id__in={draft.id for draft in drafts if draft.room == room})
    found = Message.objects.filter(wanted).select_related("room")
    return {
        (message.room.name, message.client_id): _stored(message, message.room.name, is_new=False) for message in found
    }


def _take_numbers(counts: Mapping[str, int], now: datetime) -> dict[str, tuple[int, int]]:
    """Raise each room's head by its count; return the room's key and the first of the numbers taken."""
    taken = {}
    # Always in the same order, so that two processes cannot wait for each other.
    for room in sorted(counts):
        count = counts[room]
        row = _raise_head(room, count, now)
        if row is None:
            Room.objects.bulk_create([Room(name=room)], ignore_conflicts=True)
            row = _raise_head(room, count, now)
        assert row
        pk, head = row
        taken[room] = pk, head - count + 1
    return taken


def _raise_head(room: str, count: int, now: datetime) -> tuple[int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_room SET head = head + %s, active_at = %s WHERE name = %s RETURNING id, head",
            [count, connection.ops.adapt_datetimefield_value(now), room],
        )
        row: tuple[int, int] | None = cursor.fetchone()
    return row


def _insert(rows: Sequence[tuple[int, int, str, str, str]], now: datetime) -> None:
    """Insert messages as (room's key, number, client's id, author, text)."""
    # Not by bulk_create: it takes twice as long (SQLite, 1 to 50 messages), and as long it keeps the interpreter lock.
    if not rows:
        return
    sent_at = connection.ops.adapt_datetimefield_value(now)
    values = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO chat_message (room_id, seq, client_id, author, text, sent_at) VALUES {values}",
            [value for row in rows for value in (*row, sent_at)],
        )


def _messages(room: str) -> QuerySet[Message]:
    # Not by a join: PostgreSQL would read the rest of the room, and sort it, for every page.
    return Message.objects.filter(room_id=Room.objects.filter(name=room).values("id")[:1])


def _read(messages: Collection[Message], room: str) -> list[Stored]:
    return [_stored(message, room) for message in messages]


def _stored(message: Message, room: str, is_new: bool = True) -> Stored:
    return Stored(
        room,
        message.seq,
        message.client_id,
        message.author,
        message.text,
        message.sent_at,
        message.removed_at is not None,
        is_new,
    )
