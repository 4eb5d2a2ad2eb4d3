import pytest

from channels_live.observability import readiness as health


@pytest.mark.django_db
def test_unreachable_dependency_makes_the_process_unready(settings):
    settings.REDIS_HOSTS = [{"address": "redis://127.0.0.1:1/0"}]
    status, body = health.readiness()
    assert status == 503
    assert body["status"] == "unavailable"
    assert body["database"] == "ok"
    assert body["redis"].startswith("ConnectionError: ")


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.example", "10.1.2.3", ""])
def test_probes_are_answered_with_any_host_header(client, settings, host):
    settings.REDIS_HOSTS = []
    assert client.get("/livez", headers={"host": host}).json() == {"status": "ok"}
    assert client.get("/readyz", headers={"host": host}).json() == {"status": "ok", "database": "ok"}


@pytest.mark.django_db
def test_readyz_is_degraded_without_redis(client, settings):
    settings.REDIS_HOSTS = [{"address": "redis://127.0.0.1:1/0"}]
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["redis://127.0.0.1:1/0", {"address": "redis://127.0.0.1:1/0", "retry": None}, ("127.0.0.1", 1)]
)
def test_readyz_checks_the_redis_of_channel_layers(settings, host):
    del settings.REDIS_HOSTS
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_live", "CONFIG": {"hosts": [host]}}}
    assert health.readiness()[1]["redis"].startswith("ConnectionError: ")


@pytest.mark.django_db
def test_readyz_omits_redis_for_a_channel_layer_without_hosts(settings):
    del settings.REDIS_HOSTS
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert health.readiness() == (200, {"status": "ok", "database": "ok"})
