"""The checker sees what it is there to see."""

from collections.abc import Sequence

import pytest

from channels_live.testing import Acknowledged, Delivery, DeliveryCount, count_deliveries

WRITTEN = [Acknowledged(seq, f"id-{seq}", {"text": f"text {seq}"}) for seq in range(1, 6)]


def delivered(*numbers: int) -> list[Delivery]:
    return [Delivery(seq, f"id-{seq}", {"text": f"text {seq}"}, at=float(seq)) for seq in numbers]


def count(*readers: Sequence[Delivery]) -> DeliveryCount:
    return count_deliveries(WRITTEN, {str(number): reader for number, reader in enumerate(readers)})


def test_nothing_is_found_where_everyone_saw_all_once_in_order():
    found = count(delivered(1, 2, 3, 4, 5), delivered(1, 2, 3, 4, 5))
    assert found == DeliveryCount(deliveries=10)
    assert found.is_clean


@pytest.mark.parametrize("numbers", [(2, 3, 4, 5), (1, 2, 4, 5), (1, 2, 3, 4)])
def test_a_loss_is_found_at_the_begin_in_the_middle_and_at_the_end(numbers):
    found = count(delivered(1, 2, 3, 4, 5), delivered(*numbers))
    assert found == DeliveryCount(deliveries=9, lost=1)
    assert not found.is_clean


def test_a_reader_that_saw_nothing_lost_all():
    assert count(delivered()) == DeliveryCount(lost=5)


@pytest.mark.parametrize("numbers", [(1, 2, 2, 3, 4, 5), (1, 2, 3, 4, 5, 1)])
def test_a_duplicate_is_found(numbers):
    assert count(delivered(*numbers)) == DeliveryCount(deliveries=6, duplicated=1)


def test_a_reordering_is_found():
    assert count(delivered(1, 3, 2, 4, 5)) == DeliveryCount(deliveries=5, out_of_order=1)
    assert count(delivered(5, 1, 2, 3, 4)) == DeliveryCount(deliveries=5, out_of_order=4)


def test_a_number_that_no_message_has_is_a_gap():
    found = count_deliveries([message for message in WRITTEN if message.seq != 3], {"reader": delivered(1, 2, 4, 5)})
    assert found == DeliveryCount(deliveries=4, gaps=1)


def test_a_number_given_to_two_messages_is_a_repeat_and_one_of_them_is_lost():
    found = count_deliveries(
        [*WRITTEN, Acknowledged(3, "id-other", {"text": "other"})], {"reader": delivered(1, 2, 3, 4, 5)}
    )
    assert found == DeliveryCount(deliveries=5, lost=1, repeats=1)


@pytest.mark.parametrize(
    "wrong",
    [
        Delivery(3, "id-3", {"text": "another text"}, 0),
        Delivery(3, "id-unknown", {"text": "text 3"}, 0),
        Delivery(6, "id-3", {"text": "text 3"}, 0),
    ],
)
def test_a_message_that_nobody_was_acknowledged_is_altered(wrong):
    assert count([*delivered(1, 2), wrong, *delivered(4, 5)]).altered == 1


def test_counts_add_up():
    assert DeliveryCount(1, 2, 3, 4, 5, 6, 7) + DeliveryCount(10, 20, 30, 40, 50, 60, 70) == DeliveryCount(
        11, 22, 33, 44, 55, 66, 77
    )
