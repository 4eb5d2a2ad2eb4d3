import pytest
from django.contrib.auth import get_user_model
from prometheus_client import REGISTRY

from web import metrics


def requests(**labels: str) -> float:
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0.0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/accounts/login/?next=/a", {"method": "GET", "route": "/accounts/login/", "status": "200"}),
        ("GET", "/no/such/page", {"method": "GET", "route": "unmatched", "status": "404"}),
        ("GET", "/static/no-such-file.css", {"method": "GET", "route": "unmatched", "status": "404"}),
        ("BREW", "/robots.txt", {"method": "other", "route": "/robots.txt", "status": "405"}),
    ],
)
def test_labels_come_from_a_fixed_set(client, method, path, labels):
    before = requests(**labels)
    client.generic(method, path)
    assert requests(**labels) == before + 1


@pytest.mark.django_db
def test_probes_are_not_counted(client, settings):
    settings.REDIS_HOSTS = []
    before = metrics.exposition().decode().count("http_requests_total{")
    for path in ("/livez", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    text = client.get("/metrics", headers={"host": "10.1.2.3"}).content.decode()
    assert text.count("http_requests_total{") == before
    assert "readyz" not in text


@pytest.mark.django_db
def test_database_time_is_measured():
    def statements() -> float:
        return REGISTRY.get_sample_value("database_query_duration_seconds_count") or 0.0

    before = statements()
    get_user_model().objects.count()
    assert statements() > before
