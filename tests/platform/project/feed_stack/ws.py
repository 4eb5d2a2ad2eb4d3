"""Settings of ws."""

import feed_stack
from ws import settings
from ws.settings import *  # noqa: F403

# Traces name the service by it.
SETTINGS_MODULE = "ws.settings"
PROJECT_APPS, HOME_PAGE = feed_stack.PROJECT_APPS, feed_stack.HOME_PAGE
INSTALLED_APPS = feed_stack.installed(settings.INSTALLED_APPS, settings.PROJECT_APPS)
