"""No number that all firms share leaves the house: it would tell one how busy the others are."""

import re

import psycopg
import pytest
from django.db import connection
from django.urls import get_resolver

from billing_portal.tenancy.scope import tenant_scope
from tests.architecture.test_sweep import ids_of, routes
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.visiting import signed_in

# Numbers in addresses that are no row's key, or the key of a table that is no firm's.
REASONED = {
    "uploads/<str:public_id>/evidence/<int:attempt>/<int:position>/": "counted within one upload",
    "accounts/2fa/webauthn/keys/<int:pk>/edit/": "allauth's own, of the person's own keys",
    "accounts/2fa/webauthn/keys/<int:pk>/remove/": "allauth's own, of the person's own keys",
    r"accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "allauth's own, of the"
    " person alone, in a mail to them",
}
FAR = 7_310_000_000
_FAR = re.compile(r".{0,60}73100\d{5}.{0,20}")
# What a form of the back office sends is chosen by key, in the page; its addresses hide it.
_CHOSEN = re.compile(r'<(?:option|input)[^>]*? value="[^"]*"')


def _paths(resolver, prefix=""):
    for part in resolver.url_patterns:
        path = (prefix + str(part.pattern)).replace("^", "")
        if hasattr(part, "url_patterns"):
            yield from _paths(part, path)
        else:
            yield path


def test_no_address_takes_the_key_of_a_firms_table():
    takes_a_key = re.compile(r"<int:|<path:|<\w*(?:pk|id|uidb36)>")

    found = {path for path in _paths(get_resolver()) if takes_a_key.search(path)}

    assert found == set(REASONED)


@pytest.fixture
def far(databases, db):
    """Let every table count on from a number that is known wherever it is seen."""
    url = databases.url("owner", connection.settings_dict["NAME"])
    with psycopg.connect(url, autocommit=True) as owner:
        counters = owner.execute(
            "select format('%I.%I', schemaname, sequencename), coalesce(last_value, 1)"
            " from pg_sequences where data_type = 'bigint'::regtype"
        ).fetchall()
        for name, _ in counters:
            owner.execute("select setval(%s::regclass, %s)", [name, FAR])
        yield
        for name, last in counters:
            owner.execute("select setval(%s::regclass, %s)", [name, last])


@pytest.fixture
def filled(far, firm):
    """A month end's objects, and what names them in addresses."""
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        invoice = books.finalized(reviewer=reviewer)
        books.a_draft(reviewer=reviewer)
        return ids_of(firm, invoice)


def test_pages_show_no_number_that_all_firms_share(filled, firm, client):
    with tenant_scope(firm.pk):
        people = [books.user_of(books.member(role)) for role in ("owner", "auditor", "biller")]
    shown, asked = [], 0
    for person in people:
        signed_in(client, person)
        for route in routes():
            if route.is_api:
                continue
            answer = client.get(f"/t/{firm.slug}/{route.filled(filled)}")
            content = b"" if answer.streaming else answer.content
            page = _CHOSEN.sub("", content.decode("utf-8", "replace"))
            asked += answer.status_code == 200
            told = f"{answer.headers.get('Location', '')} {page}"
            shown += [f"{route.path}: {each}" for each in _FAR.findall(told)]
    assert shown == []
    assert asked > 100


def test_answers_show_no_number_that_all_firms_share(filled, firm, client):
    caller = Caller(client, firm)
    shown, asked = [], 0
    for route in routes():
        if route.is_api:
            answer = client.get(f"/{route.filled(filled)}", headers=caller.headers)
            content = b"" if answer.streaming else answer.content
            asked += answer.status_code == 200
            told = content.decode("utf-8", "replace")
            shown += [f"{route.path}: {each}" for each in _FAR.findall(told)]
    assert shown == []
    assert asked > 20
