from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils.translation.reloader import translation_file_changed


@pytest.fixture(scope="session", autouse=True)
def translations() -> None:
    """A fresh clone has none that are compiled; every start does it."""
    call_command("compile_translations")
    # Loaded without them already, when Django was set up.
    translation_file_changed(None, Path("django.mo"))


@pytest.fixture(autouse=True)
def plain_static_files(settings, tmp_path: Path) -> None:
    """Pages can be rendered without a collectstatic before."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    settings.STATIC_ROOT = str(tmp_path)
