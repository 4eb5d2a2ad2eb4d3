"""Gunicorn's settings: ``gunicorn --config services/web/gunicorn.conf.py``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "apps")]

from base.environment import exit_on_wrong_configuration  # noqa: E402

# Read here, in the master: a wrong value would make every worker die and be started again for ever.
with exit_on_wrong_configuration():
    from web import settings

wsgi_app = "web.wsgi:application"
bind = settings.BIND
workers = settings.WEB_WORKERS
worker_class = "gthread"
threads = settings.WEB_THREADS
# Longer than nginx keeps its idle upstream connections, so that nginx never writes into a closing one.
keepalive = 75
timeout = 30
graceful_timeout = 20
# Only nginx reaches this port, and nginx overwrites the forwarding headers.
forwarded_allow_ips = "*"
# A worker's heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
accesslog = "-"
access_log_format = '%({x-forwarded-for}i)s "%(r)s" %(s)s %(b)s %(M)sms request_id=%({x-request-id}i)s'
