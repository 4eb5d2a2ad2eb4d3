"""Gunicorn's settings: ``gunicorn --config services/web/gunicorn.conf.py``."""

import gc
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("src", "services", "apps")]

# As in ws: garbage collection takes a quarter of the start. The master stays without; workers enable it when ready.
gc.disable()

from base.environment import exit_on_invalid_configuration  # noqa: E402

# Checked here, in the master: with an invalid value every worker would exit and be started again, without end.
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
# Longer than nginx keeps idle upstream connections, so that nginx never sends a request on a closing one.
keepalive = 75
timeout = 30
graceful_timeout = 20
# nginx refuses a longer one with an error page (MAX_HEADER_KIB).
limit_request_line = 0
limit_request_field_size = live_settings.read("MAX_HEADER_KIB", settings.CHANNELS_LIVE) * 1024
# Gunicorn's maximum: nginx limits headers by their total size, and has an error page in both languages.
limit_request_fields = 32768
# Only nginx reaches this port, and it overwrites this header. Of Gunicorn's three default headers two could contradict
# each other, which Gunicorn answers with 400.
forwarded_allow_ips = "*"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# The worker's heartbeat file must not be on a disk, which may block.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
accesslog = None
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {
        **settings.LOGGING["loggers"],
        "gunicorn.error": {"handlers": [], "propagate": True, "filters": ["without_query"]},
        # web.request_log writes the access line: Gunicorn's has no route, and contains the query string.
        "gunicorn.access": {"level": "CRITICAL"},
    },
}


def on_starting(server):
    """Create or empty the folder in which the workers share their counters. Not called on a reload."""
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    folder = Path(given or tempfile.mkdtemp(prefix="web-metrics-"))
    folder.mkdir(parents=True, exist_ok=True)
    for counters in folder.glob("*.db"):
        counters.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def post_worker_init(worker):
    """Check the database once, and enable garbage collection for objects created from now on."""
    # By the first worker only: a database that changes later must not end the master.
    if worker.age == 1:
        check_database()
    gc.freeze()
    gc.enable()


def check_database():
    """Abort startup with a one-line error if web cannot work with this database."""
    # It needs the application, which only workers load.
    from django.core.exceptions import ImproperlyConfigured
    from gunicorn.errors import AppImportError

    from channels_live.database import check_before_serving

    try:
        check_before_serving()
    except ImproperlyConfigured as error:
        # Gunicorn prints it, and ends the master instead of starting the next worker.
        raise AppImportError(f"Invalid configuration: {error}") from None


def child_exit(server, worker):
    """Remove the gauges of a worker that has exited; its counters stay in the sums."""
    # Imported here, since the library reads the folder from the environment when it is imported.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
