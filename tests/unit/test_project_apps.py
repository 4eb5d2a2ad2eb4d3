"""Modules of apps are found by name."""

from base.project_apps import modules


def test_apps_without_the_module_are_skipped(settings):
    settings.PROJECT_APPS = ["accounts", "base"]
    assert [(app, module.__name__) for app, module in modules("models")] == [("accounts", "accounts.models")]
    assert [app for app, _ in modules("conf")] == ["accounts", "base"]
