import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from channels_live.observability import event_loop_lag, metrics


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None, f"{name} {labels} is not exposed"
    return found


@pytest.mark.parametrize(("code", "label"), [(1000, "1000"), (4404, "4404"), (3999, "other"), (None, "1006")])
def test_close_codes_are_counted_under_a_fixed_set_of_labels(code, label):
    before = value("websocket_closes_total", code=label)
    metrics.count_close(code)
    assert value("websocket_closes_total", code=label) == before + 1


def test_every_result_and_state_is_exposed_before_it_happens():
    for result in metrics.RESULTS:
        value("websocket_handshakes_total", result=result)
    for limit in metrics.LIMITS:
        value("websocket_refused_frames_total", limit=limit)
    assert value("drain_state", drain_state="serving") == 1


def test_an_event_from_a_clock_that_runs_ahead_counts_as_delivered_at_once():
    count, total = value("hub_delivery_duration_seconds_count"), value("hub_delivery_duration_seconds_sum")
    metrics.observe_delivery(time.time() + 3600)
    metrics.observe_delivery(None)
    assert value("hub_delivery_duration_seconds_count") == count + 1
    assert value("hub_delivery_duration_seconds_sum") == total


async def test_a_blocked_event_loop_is_seen():
    count, total = value("event_loop_lag_seconds_count"), value("event_loop_lag_seconds_sum")
    task = asyncio.create_task(event_loop_lag.measure(interval=0.01))
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251  # what is to be seen
    await asyncio.sleep(0.1)
    assert value("event_loop_lag_seconds_count") > count
    task.cancel()
    assert value("event_loop_lag_seconds_sum") - total >= 0.1
