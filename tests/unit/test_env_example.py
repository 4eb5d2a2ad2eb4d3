""".env.example shows each setting with its range, its choices and its default, as they are declared."""

import re

import pytest

from base import project_apps
from base.conf import project_settings
from channels_live.conf import AppSettings, live_settings
from deploy.local.stack import ROOT
from web import settings
from web.conf import web_settings

TEXT = (ROOT / ".env.example").read_text()
OF_APPS = [
    value
    for _, module in project_apps.modules("conf", settings)
    for value in vars(module).values()
    if isinstance(value, AppSettings)
]
DECLARED = {
    name: setting
    for app_settings in (live_settings, project_settings, web_settings, *OF_APPS)
    for name, setting in app_settings.declared().items()
    if setting.in_environment
}


def explanation(name: str) -> str:
    """Return the comment above a setting, which may be shared by several settings that follow each other."""
    lines = TEXT[: TEXT.index(f"\n#{name}=")].splitlines()
    while re.match(r"#[A-Z_]+=", lines[-1]):
        lines.pop()
    begin = next(index for index in range(len(lines), 0, -1) if not lines[index - 1].startswith("# "))
    return " ".join(line.removeprefix("# ") for line in lines[begin:])


@pytest.mark.parametrize("name", DECLARED)
def test_setting_is_explained_with_range_and_choices(name):
    setting, text = DECLARED[name], explanation(name)
    assert text
    if setting.minimum is not None:
        assert f"{setting.minimum:.15g}-{setting.maximum:.15g}" in text
    assert [choice for choice in setting.choices or () if choice not in text] == []


@pytest.mark.parametrize("name", DECLARED)
def test_setting_is_shown_with_its_default(name):
    (shown,) = re.findall(rf"^#{name}=(.*)$", TEXT, re.MULTILINE)
    assert shown == DECLARED[name].shown_default


def test_lines_fit_a_terminal():
    assert [line for line in TEXT.splitlines() if len(line) > 120] == []
