"""Compares acknowledged messages with those that each reader received."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from tests.support.client import Delivery


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A message of a room, as it was acknowledged to its writer."""

    seq: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """The result of a check; all counts but ``deliveries`` must be 0."""

    deliveries: int = 0
    # Acknowledged, but not delivered to a reader.
    lost: int = 0
    # The same sequence number delivered to a reader twice.
    duplicated: int = 0
    # A sequence number delivered after a higher one.
    out_of_order: int = 0
    # Sequence numbers from 1 to n without a message.
    gaps: int = 0
    # Sequence numbers of two messages.
    repeats: int = 0
    # Delivered with a sequence number, id or text that was not acknowledged.
    altered: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def is_clean(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self) if field.name != "deliveries")


def check(acknowledged: Iterable[Acknowledged], readers: Mapping[str, Sequence[Delivery]]) -> Count:
    """Count the errors in one room, whose readers received from its first message on."""
    written = list(acknowledged)
    numbers = {message.seq for message in written}
    total = Count(gaps=len(set(range(1, max(numbers, default=0) + 1)) - numbers), repeats=len(written) - len(numbers))
    for deliveries in readers.values():
        total += _check_reader(written, deliveries)
    return total


def _check_reader(written: Sequence[Acknowledged], deliveries: Sequence[Delivery]) -> Count:
    expected = {(message.seq, message.id, message.text) for message in written}
    seen: set[int] = set()
    highest = duplicated = out_of_order = altered = 0
    for delivery in deliveries:
        if delivery.seq in seen:
            duplicated += 1
        elif delivery.seq < highest:
            out_of_order += 1
        if (delivery.seq, delivery.id, delivery.text) not in expected:
            altered += 1
        seen.add(delivery.seq)
        highest = max(highest, delivery.seq)
    ids = {delivery.id for delivery in deliveries}
    lost = sum(message.id not in ids for message in written)
    return Count(len(deliveries), lost, duplicated, out_of_order, altered=altered)
