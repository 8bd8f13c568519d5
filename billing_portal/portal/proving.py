"""What is grave asks for a proof of who is there; an open session is not enough.

Signing in counts. Where it is longer ago than ACCOUNT_REAUTHENTICATION_TIMEOUT, the page asks for
the password or a second factor. What was posted is not kept meanwhile: a form that is sent by
itself after a password was typed would be a way to have somebody sign what they did not see.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

_SAFE = {"GET", "HEAD", "OPTIONS"}

V = TypeVar("V", bound=Callable[..., Any])


def stepped_up(view: V) -> V:
    """Guard a page: who sends a form to it has proven lately who they are."""

    @functools.wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
        return prove_first(request) or view(request, *args, **kwargs)

    guarded.is_stepped_up = True  # type: ignore[attr-defined]  # read by tests
    return guarded  # type: ignore[return-value]


def prove_first(request: HttpRequest) -> HttpResponse | None:
    """Return the way to the page that asks for a proof, or None where none is needed."""
    if request.method in _SAFE or _has_proven_lately(request):
        return None
    back = _page_before(request)
    if url := _where_to_prove(request, back):
        said = gettext(
            "Nothing has been done yet. Prove that it is you; "
            "you come back to the page then, and do it once more."
        )
        messages.info(request, said)
    else:
        url = back
        messages.error(request, gettext("Nothing was done: sign out, and in again, before this."))
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url, status=303)


def way_to_prove(request: HttpRequest) -> str:
    """Return where to prove it before a form is filled in, or nothing where none is needed.

    It leads back to the page that is asked for now.
    """
    return "" if _has_proven_lately(request) else _where_to_prove(request, request.get_full_path())


def _where_to_prove(request: HttpRequest, back: str) -> str:
    """Return the page that asks for a proof, or nothing for who has no way to give one."""
    if not get_adapter(request).get_reauthentication_methods(request.user):
        return ""
    return f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"


def _has_proven_lately(request: HttpRequest) -> bool:
    records = get_authentication_records(request, cast(Any, request.user))
    last = max((record["at"] for record in records), default=0.0)
    return time.time() - last < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _page_before(request: HttpRequest) -> str:
    """Return the page that the form stood on, else the inbox."""
    before = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(
        before, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        parts = urlsplit(before)
        path = "/" + parts.path.lstrip("/")  # "//…" would be another site
        return path + (f"?{parts.query}" if parts.query else "")
    return reverse("portal:inbox")
