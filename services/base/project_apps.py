"""What the project's apps bring, found by the names of their modules."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from django.conf import settings
from django.utils.module_loading import module_has_submodule


def modules(name: str) -> Iterator[tuple[str, ModuleType]]:
    """Yield, for each of PROJECT_APPS that has a module of that name, the app's name and the module.

    Raises what importing the module raises.
    """
    for app in settings.PROJECT_APPS:
        if module_has_submodule(import_module(app), name):
            yield app, import_module(f"{app}.{name}")
