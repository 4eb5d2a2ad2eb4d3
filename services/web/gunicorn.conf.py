"""Gunicorn's settings: ``gunicorn --config services/web/gunicorn.conf.py``."""

import gc
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("src", "services", "apps")]

# As in ws: looking for garbage takes a quarter of the start. The master only watches; workers look once they are ready.
gc.disable()

from base.environment import exit_on_invalid_configuration  # noqa: E402

# Read here, in the master: an invalid value would make every worker die and be started again for ever.
with exit_on_invalid_configuration():
    from base.check_settings import check
    from channels_live.conf import live_settings
    from web import settings

    check(settings)

wsgi_app = "web.wsgi:application"
bind = live_settings.read("BIND", settings.CHANNELS_LIVE)
workers = settings.WEB_WORKERS
worker_class = "gthread"
threads = settings.WEB_THREADS
# Longer than nginx keeps its idle upstream connections, so that nginx never writes into a closing one.
keepalive = 75
timeout = 30
graceful_timeout = 20
# nginx refuses what is longer, with a page (MAX_HEADER_KIB).
limit_request_line = 0
limit_request_field_size = live_settings.read("MAX_HEADER_KIB", settings.CHANNELS_LIVE) * 1024
# As many as Gunicorn can have: nginx bounds them by their size, and answers in both languages.
limit_request_fields = 32768
# Only nginx reaches this port, and nginx overwrites this header. Of Gunicorn's three any two could contradict each
# other, and it would answer 400.
forwarded_allow_ips = "*"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# A worker's heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
accesslog = None
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {
        **settings.LOGGING["loggers"],
        "gunicorn.error": {"handlers": [], "propagate": True, "filters": ["without_query"]},
        # web.request_log writes the access line: Gunicorn's knows no route, and holds the query string.
        "gunicorn.access": {"level": "CRITICAL"},
    },
}


def on_starting(server):
    """Make the folder in which the workers share their counters, fresh with every start, and not with a reload."""
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    folder = Path(given or tempfile.mkdtemp(prefix="web-metrics-"))
    folder.mkdir(parents=True, exist_ok=True)
    for counters in folder.glob("*.db"):
        counters.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def post_worker_init(worker):
    """Look at the database once, and look for garbage from now on, but not in what every request needs."""
    # One for all, at the start only: what happens to the database later must not end the master.
    if worker.age == 1:
        check_database()
    gc.freeze()
    gc.enable()


def check_database():
    """End the start with one sentence where web could not work on this database."""
    # Needs the app, which only a worker loads.
    from django.core.exceptions import ImproperlyConfigured
    from gunicorn.errors import AppImportError

    from channels_live.database import check_before_serving

    try:
        check_before_serving()
    except ImproperlyConfigured as error:
        # Gunicorn prints it, and ends the master instead of making the next worker.
        raise AppImportError(f"Invalid configuration: {error}") from None


def child_exit(server, worker):
    """Forget the gauges of a worker that has ended; its counters stay in the sums."""
    # Not imported before the folder is known: the library looks for it once.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
