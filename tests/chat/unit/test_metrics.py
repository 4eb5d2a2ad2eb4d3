"""The chat in the metrics of web and ws."""

import pytest
from prometheus_client import REGISTRY

from channels_live.observability import metrics
from chat.metrics import LIMITS


@pytest.mark.django_db
def test_pages_of_rooms_are_counted_under_their_route(client):
    labels = {"method": "GET", "route": "/chat/<room:room>/", "status": "200"}
    before = REGISTRY.get_sample_value("http_requests_total", labels) or 0.0
    client.get("/chat/雑談/")
    assert REGISTRY.get_sample_value("http_requests_total", labels) == before + 1


def test_the_limits_results_and_close_codes_of_the_chat_are_exposed_before_they_happen():
    assert REGISTRY.get_sample_value("websocket_handshakes_total", {"result": "forbidden"}) is not None
    for limit in LIMITS:
        assert REGISTRY.get_sample_value("websocket_refused_frames_total", {"limit": limit}) is not None
    before = REGISTRY.get_sample_value("websocket_closes_total", {"code": "4403"})
    assert before is not None
    metrics.count_close(4403)
    assert REGISTRY.get_sample_value("websocket_closes_total", {"code": "4403"}) == before + 1
