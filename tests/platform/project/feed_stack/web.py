"""Settings of web."""

import feed_stack
from web import settings
from web.settings import *  # noqa: F403

# Traces name the service by it.
SETTINGS_MODULE = "web.settings"
PROJECT_APPS, HOME_PAGE = feed_stack.PROJECT_APPS, feed_stack.HOME_PAGE
INSTALLED_APPS = feed_stack.installed(settings.INSTALLED_APPS, settings.PROJECT_APPS)
