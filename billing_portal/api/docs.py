"""The viewer of the API's description, from bundled files, under a policy of its own.

Swagger's page needs an inline script and styles; they are allowed here, where nothing of a firm is
shown, and nowhere else.
"""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView


@method_decorator(csp_replace({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """Show the API's description; the script is served by itself, so none is inline."""

    url_name = "api:schema"
