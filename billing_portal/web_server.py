"""How gunicorn serves the portal: ``gunicorn --config python:billing_portal.web_server``.

The command line and GUNICORN_CMD_ARGS win over what stands here, and say where it listens.
"""

from __future__ import annotations

wsgi_app = "billing_portal.wsgi"
worker_class = "gthread"
workers = 2
threads = 4
# The most that gunicorn reads of a request's first line; beyond it answers a page of its own. The
# portal refuses addresses much shorter than that, on a page of ours (api.middleware.Bearable).
limit_request_line = 8190
