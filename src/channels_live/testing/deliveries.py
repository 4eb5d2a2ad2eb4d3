"""Compares what was acknowledged with what every reader received: each entry once, and in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """An entry as a client received it.

    Attributes:
        seq: Its number in its stream.
        id: The sender's id of it.
        content: The whole frame, as the JSON has it.
        at: When it came, in seconds of ``time.monotonic()``.
    """

    seq: int
    id: str
    content: Mapping[str, Any]
    at: float


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An entry that its sender knows to be stored.

    Attributes:
        seq: Its number, as the acknowledgement has it.
        id: The sender's id of it.
        content: The fields that were sent; readers must receive them unchanged, and may receive others.
    """

    seq: int
    id: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """What was found in a stream; all but ``deliveries`` must be 0.

    Attributes:
        deliveries: How many entries all readers received together.
        lost: Acknowledged entries that a reader does not have, for each reader.
        duplicated: Numbers that a reader received again.
        out_of_order: Numbers that came after a higher one.
        gaps: Numbers from 1 to the highest that no entry has.
        repeats: Numbers that two entries have.
        altered: Deliveries whose number, id or content nobody was acknowledged.
    """

    deliveries: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    gaps: int = 0
    repeats: int = 0
    altered: int = 0

    def __add__(self, other: "DeliveryCount") -> "DeliveryCount":
        return DeliveryCount(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def is_clean(self) -> bool:
        """Whether every reader received every entry once and in order."""
        return not self.problems

    @property
    def problems(self) -> dict[str, int]:
        """What was found, without that of which there is none."""
        return {
            field.name: count
            for field in fields(self)
            if field.name != "deliveries" and (count := self._of(field.name))
        }

    def _of(self, name: str) -> int:
        count: int = getattr(self, name)
        return count


def count_deliveries(acknowledged: Iterable[Acknowledged], readers: Mapping[str, Sequence[Delivery]]) -> DeliveryCount:
    """Count what went wrong in one stream.

    Args:
        acknowledged: All entries of the stream, from number 1 on.
        readers: By a name for each, what clients received that have read from the first entry on.
    """
    written = list(acknowledged)
    numbers = {entry.seq for entry in written}
    total = DeliveryCount(
        gaps=len(set(range(1, max(numbers, default=0) + 1)) - numbers), repeats=len(written) - len(numbers)
    )
    expected = {(entry.seq, entry.id): entry.content for entry in written}
    for deliveries in readers.values():
        total += _count_reader(expected, deliveries)
    return total


def _count_reader(
    expected: Mapping[tuple[int, str], Mapping[str, Any]], deliveries: Sequence[Delivery]
) -> DeliveryCount:
    seen: set[int] = set()
    highest = duplicated = out_of_order = altered = 0
    for delivery in deliveries:
        if delivery.seq in seen:
            duplicated += 1
        elif delivery.seq < highest:
            out_of_order += 1
        sent = expected.get((delivery.seq, delivery.id))
        if sent is None or any(delivery.content.get(name) != value for name, value in sent.items()):
            altered += 1
        seen.add(delivery.seq)
        highest = max(highest, delivery.seq)
    ids = {delivery.id for delivery in deliveries}
    lost = sum(id_ not in ids for _, id_ in expected)
    return DeliveryCount(len(deliveries), lost, duplicated, out_of_order, altered=altered)


class Reader(Protocol):
    """A client of a stream that has read from its first entry on; both resuming clients are."""

    name: str
    deliveries: list[Delivery]
    renumbered: list[str]
    unacknowledged: dict[str, dict[str, Any]]

    def written(self) -> list[Acknowledged]:
        """Return its own entries that were acknowledged."""


def assert_each_entry_once(*clients: Reader) -> None:
    """Fail unless every client of a stream received every acknowledged entry once, unchanged and in order.

    Args:
        clients: All clients that have written to the stream, and any others; they have read from number 1 on. Wait
            before for what must come, such as ``wait_for_delivery`` of the last entry.

    Raises:
        AssertionError: Anything is lost, doubled, out of order or altered; the text says what each client received.
    """
    __tracebackhide__ = True
    count = count_deliveries(
        (entry for client in clients for entry in client.written()),
        {f"{number} {client.name}": client.deliveries for number, client in enumerate(clients)},
    )
    problems: dict[str, object] = dict(count.problems)
    for client in clients:
        if client.renumbered:
            problems[f"{client.name} was acknowledged another number for"] = client.renumbered
        if client.unacknowledged:
            problems[f"{client.name} was not acknowledged"] = list(client.unacknowledged)
    if problems:
        lines = [f"{client.name} received {[delivery.seq for delivery in client.deliveries]}" for client in clients]
        raise AssertionError("\n".join([", ".join(f"{name}: {value}" for name, value in problems.items()), *lines]))
