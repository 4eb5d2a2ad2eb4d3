from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils.translation.reloader import translation_file_changed


@pytest.fixture(scope="session", autouse=True)
def translations() -> None:
    """Compile the translations, as every start does; a fresh clone has no compiled ones."""
    call_command("compile_translations")
    # Django has loaded the translations at setup, before they were compiled.
    translation_file_changed(None, Path("django.mo"))


@pytest.fixture(autouse=True)
def plain_static_files(settings, tmp_path: Path) -> None:
    """Render pages without a previous collectstatic."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    settings.STATIC_ROOT = str(tmp_path)
