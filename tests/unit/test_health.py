import pytest

from base import health


@pytest.mark.django_db
def test_a_part_that_does_not_answer_makes_the_process_unready(settings):
    settings.REDIS_HOSTS = [{"address": "redis://127.0.0.1:1/0"}]
    ready, parts = health.readiness()
    assert not ready
    assert parts["database"] == "ok"
    assert parts["redis"].startswith("ConnectionError: ")


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.example", "10.1.2.3", ""])
def test_web_answers_its_probes_whatever_the_host_header_is(client, settings, host):
    settings.REDIS_HOSTS = []
    assert client.get("/livez", headers={"host": host}).json() == {"status": "ok"}
    assert client.get("/readyz", headers={"host": host}).json() == {"status": "ok", "database": "ok", "redis": "ok"}


@pytest.mark.django_db
def test_web_is_unready_without_redis(client, settings):
    settings.REDIS_HOSTS = [{"address": "redis://127.0.0.1:1/0"}]
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
