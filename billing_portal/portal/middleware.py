"""What browsers and caches between may keep of an answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


class NothingKept:
    """Let nobody keep an answer that says nothing of it itself, so that going back shows nothing.

    A browser that has been signed out may still hold its pages; on a shared machine the next
    person would read them (ASVS 5.0, section 14.3). A part and its page share one URL: caches that
    keep one after all are told to tell them apart.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(response, ["HX-Request"])
        return response
