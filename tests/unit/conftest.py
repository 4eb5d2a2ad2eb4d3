import pytest


@pytest.fixture(autouse=True)
def plain_static_files(settings) -> None:
    """Pages can be rendered without a collectstatic before."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
