"""How gunicorn serves pages; read by ``gunicorn --config python:portal.local.pages``."""

import gc
import os
from pathlib import Path
from typing import Any

from portal.kernel import addresses

_shm = Path("/dev/shm")  # noqa: S108 - gunicorn makes a private file in it

wsgi_app = "portal.app:create_app(commands=False)"
bind = os.environ.get("PORTAL_BIND") or (
    f"{os.environ.get('PORTAL_HOST', '127.0.0.1')}:{os.environ.get('PORTAL_PORT', '8000')}"
)
worker_class = "gthread"
workers = int(os.environ.get("PORTAL_WEB_WORKERS", "2"))
threads = int(os.environ.get("PORTAL_WEB_THREADS", "4"))
preload_app = True
keepalive = 15
timeout = 60
graceful_timeout = 5
limit_request_line = addresses.LONGEST
worker_tmp_dir = str(_shm) if os.access(_shm, os.W_OK) else None
control_socket_disable = True
loglevel = "warning"
proc_name = "portal-pages"


def when_ready(_server: Any) -> None:
    """Keep what was loaded out of the collector's way, so that the workers share its memory."""
    gc.collect()
    gc.freeze()
