"""The whole stack with the app of the platform tests instead of the chat."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.local import Stack
from deploy.local.stack import PYTHONPATH, ROOT

PROJECT = ROOT / "tests/platform/project"
SETTINGS = {"web": "feed_stack.web", "ws": "feed_stack.ws"}


class FeedStack(Stack):
    """A Stack that serves tests/platform/project/feed at /feed/, /api/feeds/<name>/posts and /ws/feed/<name>/."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None, **options: Any) -> None:
        ours = {
            # Before the template's apps, among which a team may have put an app of the same name (examples/feed).
            "PYTHONPATH": os.pathsep.join([str(PROJECT), PYTHONPATH]),
            # Of manage.py; each service has its own.
            "DJANGO_SETTINGS_MODULE": SETTINGS["web"],
        }
        super().__init__(directory, environment={**ours, **(environment or {})}, settings=SETTINGS, **options)
