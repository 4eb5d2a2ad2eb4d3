"""Django's admin under the policy of our pages, on a stack of its own with an administrator."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from deploy.local.stack import ROOT
from tests.support.feed_stack import FeedStack
from tests.support.policy_violations import REPORTS

NAME, PASSWORD = "moderator", "correct horse battery"


def test_token_is_made_in_the_admin_without_a_violation_of_the_policy(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    with FeedStack(tmp_path, ws_processes=1) as stack:
        environment = {**stack.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        command = ["createsuperuser", "--noinput", "--username", NAME, "--email", "m@example.com"]
        subprocess.run([sys.executable, str(ROOT / "manage.py"), *command], env=environment, check=True)
        page = new_page(base_url=stack.url)
        page.add_init_script(REPORTS)
        page.goto("/admin/login/?next=/admin/accounts/apitoken/add/")
        page.locator("[name=username]").fill(NAME)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[type=submit]").click()
        # The search field for users is the script with most to do.
        page.locator(".select2-selection").click()
        page.locator(".select2-search__field").fill(NAME)
        page.locator(".select2-results__option", has_text=NAME).click()
        page.locator("#id_name").fill("deploy")
        page.locator(".theme-toggle").first.click()
        assert page.evaluate("violations") == []
        page.locator("[name=_save]").click()
        expect(page.locator(".messagelist")).to_contain_text("Token: ")
        page.goto("/admin/accounts/user/")
        expect(page.locator("#changelist")).to_be_visible()
        assert page.evaluate("violations") == []
