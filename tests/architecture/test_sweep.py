"""Every route and verb, asked with another firm's session and key: 404 or 403, nothing else.

Routes come from the resolver, so that a new one is swept without being listed. Each that names an
object is asked for one of the first firm's; each that names none must show nothing of that firm. A
route whose parameter nothing here can fill fails the test: it would go unswept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.urls import get_resolver

from billing_portal.imports.asking import take_in_later
from billing_portal.members import actions, granting, invitations, resets
from billing_portal.tenancy.models import TenantModel
from billing_portal.tenancy.scope import tenant_scope
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import import_bank_file
from invoices.forms.charge_files import CSV
from tests.dunning.statements import IBAN, paid, statement
from tests.factories import MembershipFactory, TenantFactory, UserFactory, actor
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.visiting import office_key, signed_in

pytestmark = pytest.mark.django_db
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Before a firm is chosen, or about the installation and the user alone: no firm's data is there.
OF_NO_FIRM = (
    *("accounts/", "_ui/", "join/", "api/schema", "api/docs"),
    *("healthz", "readyz", "metrics"),
)
MARK = "Zanzibar Surety"


@dataclass(frozen=True)
class Route:
    """An address with its parameters, as the resolver has it."""

    path: str

    @property
    def is_api(self) -> bool:
        return self.path.startswith("api/v1/")

    def filled(self, ids: dict[str, str]) -> str:
        """Return the address with the first firm's ids in it.

        :raises LookupError: for a parameter that nothing here fills.
        """
        bare = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", self.path).replace("^", "").replace("$", "")
        bare = re.sub(r"<\w+:(\w+)>", r"<\1>", bare).replace("\\.", ".")
        parts = bare.split("/")
        for at in range(len(parts)):
            for name in re.findall(r"<(\w+)>", parts[at]):
                noun = parts[at - 1] if at else ""
                value = ids.get(f"{noun}/{name}") or ids.get(name)
                if value is None:
                    raise LookupError(f"{self.path}: nothing fills {noun}/{name}")
                parts[at] = parts[at].replace(f"<{name}>", value)
        return "/".join(parts)

    @property
    def names_an_object(self) -> bool:
        """Whether it is about one thing; the admin's ``<id>/`` only leads on to ``change/``."""
        named = set(re.findall(r"(?:<|:)(\w+)>", self.path)) - {"app_label", "url"}
        return bool(named) and not self.path.endswith("/<office_key:object_id>/")


def routes() -> list[Route]:
    """Return every route but those of no firm."""

    def walk(resolver, prefix: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            path = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern, path)
            else:
                yield path

    found = {path for path in walk(get_resolver(), "") if not path.startswith(OF_NO_FIRM)}
    return [Route(path) for path in sorted(found)]


@pytest.fixture
def world(firm):
    """A firm's objects of as many kinds as a month end makes, and the ids that name them."""
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        invoice = books.finalized(reviewer=reviewer)
        books.a_draft(reviewer=reviewer)
        biller = books.member("biller")
        take_in_later(CSV, b"x", name=MARK, by=biller, on=date(2026, 11, 2))
        add_bank_account(account=IBAN, name=MARK, currency="USD", by=SYSTEM)
        day = statement(paid("300.00", MARK))
        import_bank_file(day, name=MARK, by=biller, on=date(2026, 11, 6))
        invoice.customer.name = MARK
        invoice.customer.save()
        return ids_of(firm, invoice)


def ids_of(firm, invoice) -> dict[str, str]:
    """Return what fills each parameter: by the noun before it, or by its own name."""
    ids = {
        "slug": firm.slug,
        "deed": "start",
        "verb": "retry",
        "verdict": "approve",
        "app_label": "customers",
    }
    ids |= {
        "content_type_id": "1",
        "object_id": "1",
        "url": "nowhere",
        "token": "nothing",
        "month": "2026-11",
        "kind": "pdf",
        "attempt": "1",
        "position": "1",
    }
    for model in apps.get_models():
        if not issubclass(model, TenantModel):
            continue
        row = model._default_manager.order_by("pk").first()
        key = office_key(row) if row else "1"
        name = model._meta.model_name
        ids[f"{name}/object_id"] = key
        if hasattr(model, "ID_PREFIX"):
            made = getattr(row, "public_id", f"{model.ID_PREFIX}_nothing")
            ids[f"={model.__name__}"] = made
    nouns = {
        "jobs": "Job", "customers": "Customer", "matters": "Matter", "timekeepers": "Timekeeper",
        "rates": "Rate", "charges": "Charge", "runs": "BillingRun", "invoices": "Invoice",
        "items": "RunItem", "lines": "InvoiceLine", "documents": "Document",
        "uploads": "Submission",
        "submissions": "Submission", "deliveries": "Delivery", "payments": "Payment",
        "bank-files": "BankFile", "reminders": "Reminder", "entries": "Entry",
        "carriers": "Carrier",
        "imports": "FileImport", "file-imports": "FileImport",
        "credit-notes": "Invoice", "bank-lines": "BankLine", "suggestions": "BankLine",
    }  # fmt: skip
    for noun, named in nouns.items():
        public_id = ids.get(f"={named}", "job_nothing")
        for name in ("id", "public_id", "item", "line", "key"):
            ids[f"{noun}/{name}"] = public_id
    ids["allocations/entry"] = ids["entries/id"]
    ids |= firms_people(firm)
    ids["invoices/public_id"] = ids["invoices/id"] = invoice.public_id
    return ids


def firms_people(firm) -> dict[str, str]:
    """Return what names the firm's people, and what of theirs waits."""
    by = actor("owner", number=999_999)
    user = UserFactory.create(name=MARK)
    at = datetime.now(UTC)
    role = actions.propose_role(firm, user, "biller", by=by)
    invited = invitations.invite(
        firm, email="zanzibar@surety.test", name=MARK, role="biller", by=by, at=at
    )
    Authenticator.objects.create(user=user, type="totp", data={})
    actions.approve_role(role, by=actor("owner", number=999_998))
    reset = resets.request_reset(user, reason="lost", by=by)
    key, _ = granting.request_key(firm, name=MARK, by=by, expires_at=at + timedelta(days=1))
    return {
        "keys/public_id": key.public_id,
        "resets/public_id": reset.public_id,
        "people/public_id": user.public_id,
        "roles/public_id": role.public_id,
        "invitations/public_id": invited.public_id,
    }


@pytest.fixture
def stranger(client):
    """The owner of another firm, signed in."""
    other = TenantFactory.create()
    signed_in(client, MembershipFactory.create(tenant=other, role="owner").user)
    return client, other


def ask(client, verb, path, **headers):
    return client.generic(
        verb, path, json.dumps({}), content_type="application/json", headers=headers
    )


def test_every_parameter_is_filled(world):
    unfilled = []
    for route in routes():
        try:
            route.filled(world)
        except LookupError as error:
            unfilled.append(str(error))
    assert unfilled == []


def test_the_firms_own_pages_do_not_exist_for_a_stranger(world, stranger, firm):
    client, _ = stranger
    wrong = []
    for route in routes():
        if route.is_api:
            continue
        for verb in VERBS:
            answer = ask(client, verb, f"/t/{firm.slug}/{route.filled(world)}")
            if answer.status_code not in {403, 404}:
                wrong.append(f"{verb} {route.path}: {answer.status_code}")
    assert wrong == []


def test_a_strangers_own_pages_show_nothing_of_the_firm(world, stranger):
    client, other = stranger
    wrong, asked = [], 0
    for route in routes():
        if route.is_api:
            continue
        for verb in VERBS:
            answer = ask(client, verb, f"/t/{other.slug}/{route.filled(world)}")
            if answer.status_code == 405:
                continue
            asked += 1
            shown = b"" if answer.streaming else answer.content
            if MARK.encode() in shown:
                wrong.append(f"{verb} {route.path} shows the other firm")
            if route.names_an_object and answer.status_code not in {403, 404}:
                wrong.append(f"{verb} {route.path}: {answer.status_code}")
    assert wrong == []
    assert asked > 60


def test_a_strangers_key_reaches_nothing_of_the_firm(world, client):
    caller = Caller(client, TenantFactory.create())
    headers = caller.headers | {"If-Match": '"1"', "Idempotency-Key": "sweep"}
    wrong, asked = [], 0
    for route in routes():
        if not route.is_api:
            continue
        for verb in VERBS:
            answer = ask(client, verb, f"/{route.filled(world)}", **headers)
            if answer.status_code == 405:
                continue
            asked += 1
            if MARK.encode() in answer.content:
                wrong.append(f"{verb} {route.path} shows the other firm")
            if route.names_an_object and answer.status_code not in {403, 404}:
                wrong.append(f"{verb} {route.path}: {answer.status_code} {answer.content[:80]!r}")
    assert wrong == []
    assert asked > 30
