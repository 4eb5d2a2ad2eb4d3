"""The template's services with the feed in the place of the template's own product: settings of web and of ws."""

from collections.abc import Iterable

PROJECT_APPS = ["accounts", "feed", "feed_stack", "groups"]
HOME_PAGE = "feed:index"


def installed(apps: Iterable[str], products: Iterable[str]) -> list[str]:
    """Return a service's apps, the products of the template replaced by ours."""
    return [*(app for app in apps if app not in set(products)), *PROJECT_APPS]
