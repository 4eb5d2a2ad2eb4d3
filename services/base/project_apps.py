"""Modules of the project's apps, found by their name."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from django.conf import settings as django_settings
from django.utils.module_loading import module_has_submodule


def modules(name: str, settings: Any = django_settings) -> Iterator[tuple[str, ModuleType]]:
    """Yield the name and the module of each app in PROJECT_APPS that has a module of that name.

    ``settings`` are Django's, or a settings module. Raises what importing the module raises.
    """
    for app in settings.PROJECT_APPS:
        if module_has_submodule(import_module(app), name):
            yield app, import_module(f"{app}.{name}")


def routes(name: str, settings: Any = django_settings) -> list[Any]:
    """Return the routes that the ``routing`` modules of the apps in PROJECT_APPS list under a name."""
    return [route for _, module in modules("routing", settings) for route in getattr(module, name, ())]
