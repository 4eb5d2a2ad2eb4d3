#!/usr/bin/env python
"""Django's command line. It acts with web's settings unless DJANGO_SETTINGS_MODULE says otherwise."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / folder) for folder in ("src", "services", "apps")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

from django.conf import settings  # noqa: E402
from django.core.management import execute_from_command_line  # noqa: E402

from base.environment import exit_on_invalid_configuration  # noqa: E402

if __name__ == "__main__":
    with exit_on_invalid_configuration():
        from base.check_settings import check

        check(settings)
    execute_from_command_line(sys.argv)
