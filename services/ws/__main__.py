"""``python -m ws``: ``python -m channels_live.server`` with the settings of ws."""

import os

from channels_live.server import main

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
main()
