"""How addresses of the back office name rows: by covered keys.

Django's admin knows a row by its primary key, which is counted over all firms, and writes it into
each link. What it hands to ``reverse`` passes here, so no link of the admin's own is forgotten.
"""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, register_converter
from django.urls.converters import PathConverter

from billing_portal.bounds import whole_number
from billing_portal.covers import covered, uncovered

_KEY = "row of the back office"


class OfficeKey(PathConverter):
    """A row's key in an address, covered: the admin knows rows by numbers counted over all firms.

    A bare number still leads there, for the admin's own scripts make addresses of what is chosen in
    a select; the page then moves to the covered one.
    """

    def to_python(self, value: str) -> str:
        """Return the key.

        :raises ValueError: when it is neither covered nor a number: there is no such page.
        """
        key = value if whole_number(value) is not None else uncovered(value, of=_KEY)
        if key is None:
            raise ValueError(value)
        return key

    def to_url(self, value: Any) -> str:
        """Return the key as addresses have it; what is no number, as for a script, stays."""
        text = str(value)
        return text if whole_number(text) is None else covered(text, of=_KEY)


register_converter(OfficeKey, "office_key")


def with_covered_key(url: URLPattern) -> URLPattern:
    """Return an address of the admin that names its row by a covered key, if it names one."""
    route = str(url.pattern).replace("<path:object_id>", "<office_key:object_id>")
    return path(route, url.callback, url.default_args, url.name)
