"""What an app brings is found by the names of its modules."""

from base.project_apps import modules


def test_an_app_that_has_no_such_module_is_left_out(settings):
    settings.PROJECT_APPS = ["accounts", "base"]
    assert [(app, module.__name__) for app, module in modules("models")] == [("accounts", "accounts.models")]
    assert [app for app, _ in modules("conf")] == ["accounts", "base"]
