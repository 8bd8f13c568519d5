"""The door for the web server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_portal.settings")
application = get_wsgi_application()

from billing_portal.tenancy.guards import refuse_privileged_role  # noqa: E402 -- Django comes first

refuse_privileged_role()
