from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def plain_static_files(settings, tmp_path: Path) -> None:
    """Pages can be rendered without a collectstatic before."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    settings.STATIC_ROOT = str(tmp_path)
