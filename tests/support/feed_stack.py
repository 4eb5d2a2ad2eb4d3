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
            "PYTHONPATH": os.pathsep.join([PYTHONPATH, str(PROJECT)]),
            # Of manage.py; each service has its own.
            "DJANGO_SETTINGS_MODULE": SETTINGS["web"],
        }
        super().__init__(directory, environment={**ours, **(environment or {})}, settings=SETTINGS, **options)
