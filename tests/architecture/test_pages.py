"""Every page of a firm says which permission opens it, and answers a stranger with nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from billing_portal.tenancy.permissions import PERMISSIONS

# Pages that every member may open, or that are guarded in their own way.
OPEN = {
    "members": "the front door, before anybody is a member",
    "portal": "the inbox and search ask each provider, who asks the actor",
    "admin": "the back office asks its own permissions",
    "operation": "closed, or open to the token or network that the environment names",
}


def _pages(resolver: URLResolver, path: str = "") -> Iterator[tuple[str, str, Any]]:
    for part in resolver.url_patterns:
        here = path + str(part.pattern)
        if isinstance(part, URLPattern):
            yield here, resolver.app_name or "", part.callback
        elif part.app_name not in OPEN and not here.startswith(("api/", "accounts/")):
            yield from _pages(part, here)


PAGES = list(_pages(get_resolver("billing_portal.urls")))


def test_there_are_pages_of_each_room():
    assert {"ledger", "audit", "invoices"} <= {room for _, room, _ in PAGES}


@pytest.mark.parametrize(("path", "view"), [(path, view) for path, _, view in PAGES])
def test_a_page_names_the_permission_that_opens_it(path, view):
    assert getattr(view, "permission", path) in PERMISSIONS


@pytest.mark.django_db
@pytest.mark.parametrize("path", [path for path, _, _ in PAGES])
def test_a_stranger_is_led_to_sign_in(client, firm, path):
    answer = client.get(f"/t/{firm.slug}/{path.replace('<str:public_id>', 'x')}")

    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")
