"""How gunicorn serves the app; it finds this file by its name."""

import os
import signal
import sys

bind = [f"0.0.0.0:{os.environ.get('PORT', '8000')}"]
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
wsgi_app = "notesapp.wsgi:application"
# One load before the fork: workers share its memory, and a mistake in the settings ends the start instead of looping.
preload_app = True

# Less than Kubernetes' 30 seconds between SIGTERM and SIGKILL.
graceful_timeout = 20
timeout = 30
# Longer than the idle time of most proxies, so that it is not we who close a connection a request is just coming in on.
keepalive = 75

# The root file system may be read-only, and a disk may stall a worker's heartbeat.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
control_socket_disable = True

accesslog = "-"
errorlog = "-"
access_log_format = '%(h)s "%(r)s" %(s)s %(b)s %(M)sms "%(a)s"'


def on_starting(server):
    """Migrates before the first worker is there, unless MIGRATE=never says that a job does so."""
    mode = os.environ.get("MIGRATE", "at-start")
    if mode not in {"at-start", "never"}:
        sys.exit(f"MIGRATE is {mode!r}; use at-start or never")
    if mode == "never":
        return
    # As process 1 of a container, Python is not ended by SIGTERM unless it asks to be; gunicorn takes over right after.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    import django
    from django.core.management import CommandError, call_command
    from django.db import connections

    django.setup()
    try:
        call_command("migrate_once")
    except CommandError as error:
        sys.exit(f"migrate_once: {error}")
    finally:
        # Connections cannot be shared with the workers that are forked later.
        connections.close_all()
