"""The viewer of the API's description, from bundled files, under a policy of its own.

Swagger's page needs an inline script and styles; they are allowed here, where nothing of a firm is
shown, and nowhere else.
"""

from __future__ import annotations

import inspect

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView

from billing_portal.errors import Refused


@method_decorator(csp_replace({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """Show the API's description; the script is served by itself, so none is inline."""

    url_name = "api:schema"


_OF_ALL = {
    "malformed": "The request cannot be read: its JSON, a parameter or a header (400).",
    "values": "Some values cannot be accepted; errors names each by its place (422).",
    "not_found": "There is no such thing in the firm of the key (404).",
    "version.needed": "If-Match is missing: say which version you have read (428).",
    "method_not_allowed": "This verb is not offered at this address (405).",
    "body.length_needed": "The body does not say how long it is (411).",
    "body.too_large": "The body has more bytes than are read at a time (413).",
    "address.too_long": "The address has more characters than are read (414).",
    "rate.exceeded": "Too much was asked in a minute; Retry-After says when to ask again (429).",
    "broken": "A fault of ours; the last step was not done, and it is recorded (500).",
    "charges.conflict": "A row's key was captured before with other content (in a batch's answer).",
    "charges.unknown_customer": "A row names a customer that the firm does not have.",
    "charges.unknown_matter": "A row names a matter that the firm or the customer does not have.",
    "charges.unknown_timekeeper": "A row names a timekeeper that the firm does not have.",
    "charges.value": "A value of a row cannot be taken; column names it.",
    "charges.currency": "A row is in another currency than its customer is billed in.",
    "idempotency.key_reused": "The Idempotency-Key came with another request before (422).",
}


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """List the codes by which a rule says no (409), each where a problem's ``type`` points."""
    found = sorted((_codes(Refused) | _OF_ALL).items())
    return render(request, "portal/problems.html", {"problems": found})


def _codes(kind: type[Refused]) -> dict[str, str]:
    found = {}
    for child in kind.__subclasses__():
        words = (inspect.getdoc(child) or "").split("\n\n")[0]
        found.update(_codes(child))
        found.setdefault(child.code, " ".join(words.replace("``", "").split()))
    return found
