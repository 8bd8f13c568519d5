"""The room over REST: pages, versions, batches answered per row, one firm only."""

from datetime import UTC, datetime, timedelta

import factory
import pytest
from django.urls import include, path

from billing_portal.audit.models import AuditEvent
from billing_portal.members.keys import new_secret
from billing_portal.members.models import ApiKey
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Customer, Matter, Rate, Timekeeper
from customers.urls import api_urlpatterns
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    RateFactory,
    TimekeeperFactory,
)
from tests.factories import MembershipFactory, UserFactory

urlpatterns = [path("api/v1/", include(api_urlpatterns)), path("", include("billing_portal.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.customers.test_api")]
GRANITE = {"external_id": "INS-1", "name": "Granite State", "currency": "USD"}


class Service:
    """An internal service of a firm, with its key."""

    def __init__(self, client, firm, scopes=()):
        prefix, secret_hash, text = new_secret()
        ApiKey.objects.create(
            tenant=firm,
            name="Replication",
            prefix=prefix,
            secret_hash=secret_hash,
            scopes=list(scopes),
            requested_by="user:1",
            approved_by="user:2",
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
        self.client, self.headers = client, {"Authorization": f"Bearer {text}"}

    def get(self, path, **query):
        """Ask for a resource."""
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path, rows, **headers):
        """Send a batch of rows."""
        return self._send("post", path, {"rows": rows}, headers)

    def patch(self, path, body, **headers):
        """Send a change."""
        return self._send("patch", path, body, headers)

    def _send(self, verb, path, body, headers):
        return getattr(self.client, verb)(
            f"/api/v1/{path}",
            body,
            content_type="application/json",
            headers=self.headers | {k.replace("_", "-"): v for k, v in headers.items()},
        )


@pytest.fixture
def service(client, firm):
    return Service(client, firm)


def statuses(answer):
    return [row["status"] for row in answer.json()["results"]]


def test_a_batch_makes_changes_leaves_and_refuses_row_by_row(service, firm):
    with tenant_scope(firm.pk):
        CustomerFactory.create(external_id="INS-2", name="Old")
        CustomerFactory.create(external_id="INS-3", name="Same")
    rows = [
        GRANITE,
        {"external_id": "ins-2", "name": "New"},
        {"external_id": "INS-3", "name": "Same"},
        {"external_id": "INS-4", "name": "No currency"},
        {"external_id": "INS-5", "name": "Card 4111 1111 1111 1111", "currency": "USD"},
        {"external_id": "INS-6", "nmae": "Typing error"},
        {"external_id": "INS-3", "currency": "EUR"},
    ]

    answer = service.post("customers/upserts", rows)

    assert answer.status_code == 200
    assert statuses(answer) == ["created", "updated", "unchanged", *["refused"] * 4]
    assert answer.json()["counts"] == {"created": 1, "updated": 1, "unchanged": 1, "refused": 4}
    codes = [row["code"] for row in answer.json()["results"]]
    assert codes[3:] == [
        *("customers.value", "customers.card_number_refused", "values", "customers.value")
    ]
    with tenant_scope(firm.pk):
        names = Customer.objects.order_by("external_key").values_list("name", flat=True)
        assert list(names) == ["Granite State", "New", "Same"]
        assert AuditEvent.objects.count() == 2


def test_a_batch_sent_again_changes_nothing(service, firm):
    first = service.post("customers/upserts", [GRANITE, GRANITE])
    again = service.post("customers/upserts", [GRANITE])

    assert statuses(first) == ["created", "unchanged"]
    assert statuses(again) == ["unchanged"]
    assert again.json()["results"][0]["id"] == first.json()["results"][0]["id"]
    with tenant_scope(firm.pk):
        assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 40])
def test_unchanged_rows_cost_nothing_each(service, firm, django_assert_num_queries, rows):
    with tenant_scope(firm.pk):
        made = CustomerFactory.create_batch(rows)
    asked = [{"external_id": row.external_id, "name": row.name} for row in made]
    service.get("customers")

    with django_assert_num_queries(10):
        assert set(statuses(service.post("customers/upserts", asked))) == {"unchanged"}


def test_a_batch_has_an_end(service):
    answer = service.post("customers/upserts", [GRANITE] * 501)

    assert answer.status_code == 422


def test_matters_name_their_customer_and_a_member_by_what_the_firm_calls_them(service, firm):
    user = MembershipFactory.create(tenant=firm).user
    with tenant_scope(firm.pk):
        CustomerFactory.create(external_id="INS-1")
        CustomerFactory.create(external_id="INS-2")
    row = {
        "external_id": "2026-1",
        "name": "Park v. Tidewater",
        "customer_external_id": "INS-1",
        "opened_on": "2026-02-01",
        "responsible_email": user.email,
    }
    rows = [
        row,
        row | {"client_matter_id": "CLM-9"},
        row | {"customer_external_id": "INS-2"},
        row | {"external_id": "2026-2", "customer_external_id": "INS-404"},
        row | {"external_id": "2026-3", "responsible_email": "nobody@firm.test"},
        {"external_id": "2026-4", "name": "No customer", "opened_on": "2026-02-01"},
        {"external_id": "2026-5", "customer_external_id": "INS-1", "name": "No day"},
        row | {"external_id": "2026-6-with-an-id-too-long"},
    ]

    answer = service.post("matters/upserts", rows)

    assert statuses(answer) == ["created", "updated", *["refused"] * 6]
    with tenant_scope(firm.pk):
        matter = Matter.objects.get()
        assert (matter.responsible_id, matter.client_matter_id) == (user.pk, "CLM-9")


def test_timekeepers_are_taken_over(service, firm):
    row = {"external_id": "DB", "name": "Byrne, Declan", "classification": "ASSOC"}
    rows = [row, row | {"level": "Counsel"}, {"external_id": "XX"}, row | {"classification": "X"}]

    answer = service.post("timekeepers/upserts", rows)

    assert statuses(answer) == ["created", "updated", "refused", "refused"]
    with tenant_scope(firm.pk):
        assert Timekeeper.objects.get().level == "Counsel"


def test_rates_are_proposed_once_and_wait_for_a_person(service, firm):
    with tenant_scope(firm.pk):
        MatterFactory.create(external_id="2026-1")
        TimekeeperFactory.create(external_id="DB")
        RateFactory.create(level="Partner", amount="400")
    amount = {"amount": "312.50", "currency": "USD"}
    row = {"amount": amount, "starts_on": "2026-03-01", "matter_external_id": "2026-1"}
    rows = [
        row,
        row,
        row | {"timekeeper_external_id": "DB"},
        {"amount": {"amount": "400.0", "currency": "USD"}, "starts_on": "2026-01-01"}
        | {"level": "Partner"},
        row | {"timekeeper_external_id": "NOBODY"},
        row | {"amount": {"amount": 312.5, "currency": "USD"}},
        row | {"amount": {"amount": "312.50", "currency": "XXX"}},
    ]

    answer = service.post("rates/proposals", rows, Idempotency_Key="night-1")
    again = service.post("rates/proposals", rows, Idempotency_Key="night-1")

    assert statuses(answer) == [
        *("created", "unchanged", "created", "unchanged", "refused", "refused", "refused")
    ]
    assert again.json() == answer.json()
    assert again["Idempotency-Replayed"] == "true"
    with tenant_scope(firm.pk):
        assert Rate.objects.proposed().count() == 2


def test_proposing_rates_needs_an_idempotency_key(service):
    assert service.post("rates/proposals", []).status_code == 400


def test_a_change_names_the_version_it_was_made_on(service, firm):
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create()
    path = f"customers/{customer.public_id}"
    read = service.get(path)

    without = service.patch(path, {"name": "New"})
    good = service.patch(path, {"name": "New"}, If_Match=read["ETag"])
    stale = service.patch(path, {"name": "Newer"}, If_Match=read["ETag"])

    assert (without.status_code, good.status_code, stale.status_code) == (428, 200, 412)
    assert (good["ETag"], good.json()["name"]) == ('"2"', "New")


def test_a_change_of_a_matter_shows_every_bad_value(service, firm):
    with tenant_scope(firm.pk):
        matter = MatterFactory.create()
    path = f"matters/{matter.public_id}"

    bad = service.patch(path, {"name": "x" * 161, "carrier_code": 7 * "1234567"}, If_Match='"1"')
    unknown = service.patch(path, {"customer": "cus_1"}, If_Match='"1"')
    good = service.patch(path, {"client_matter_id": "CLM-1"}, If_Match='"1"')

    assert {error["pointer"] for error in bad.json()["errors"]} == {"/name", "/carrier_code"}
    assert unknown.status_code == 422
    assert good.json()["client_matter_id"] == "CLM-1"


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("customers", CustomerFactory),
        ("matters", MatterFactory),
        ("timekeepers", TimekeeperFactory),
        ("rates", RateFactory),
    ],
)
def test_another_firms_rows_do_not_exist(service, firm, neighbor, path, made):
    with neighbor:
        theirs = made.create().public_id
    with tenant_scope(firm.pk):
        ours = made.create().public_id

    listed = service.get(path).json()["data"]

    assert [row["id"] for row in listed] == [ours]
    assert service.get(f"{path}/{ours}").status_code == 200
    assert service.get(f"{path}/{theirs}").status_code == 404
    assert service.get(f"{path}/nonsense").status_code == 404


class MatterRateFactory(RateFactory):
    """A rate on a matter's own card."""

    matter = factory.SubFactory(MatterFactory)


@pytest.mark.parametrize("rows", [1, 10])
@pytest.mark.parametrize(
    ("path", "made", "queries"),
    [
        ("customers", CustomerFactory, 8),
        ("matters", MatterFactory, 8),
        ("timekeepers", TimekeeperFactory, 8),
        ("rates", MatterRateFactory, 9),  # and who signed them
    ],
)
def test_a_list_costs_the_same_whatever_its_length(  # noqa: PLR0917 -- fixtures
    service, firm, django_assert_num_queries, path, made, queries, rows
):
    with tenant_scope(firm.pk):
        made.create_batch(rows)
    service.get(path)

    with django_assert_num_queries(queries):
        assert len(service.get(path).json()["data"]) == rows


def test_a_rate_says_who_signed_it_by_name(service, firm):
    with tenant_scope(firm.pk):
        dana = UserFactory.create(name="Dana Whitlock")
        signed, asked = {"proposed_by": f"user:{dana.pk}"}, {"state": "PROPOSED"}
        RateFactory.create(**signed, **asked, decided_by="")

    (listed,) = service.get("rates").json()["data"]
    one = service.get(f"rates/{listed['id']}").json()

    told = {"proposed_by": "Dana Whitlock", "decided_by": ""}
    assert {name: listed[name] for name in told} == told
    assert {name: one[name] for name in told} == told


def test_lists_are_filtered_by_named_parameters_only(service, firm):
    with tenant_scope(firm.pk):
        matter = MatterFactory.create(external_id="2026-1")
        MatterFactory.create()
    asked = {"customer_id": matter.customer.public_id, "state": "OPEN", "external_id": "2026-1"}

    found = service.get("matters", **asked).json()["data"]
    misspelled = service.get("matters", stat="OPEN")
    no_id = service.get("matters", customer_id="cus_1")

    assert [row["id"] for row in found] == [matter.public_id]
    assert misspelled.status_code == 400
    assert "Did you mean state?" in misspelled.json()["detail"]
    assert no_id.status_code == 400


def test_a_key_does_what_its_scopes_say(client, firm):
    reader = Service(client, firm, scopes=["customers.read"])

    assert reader.get("customers").status_code == 200
    refused = reader.post("customers/upserts", [GRANITE])
    assert (refused.status_code, refused.json()["permission"]) == (403, "customers.edit")
    proposal = reader.post("rates/proposals", [], Idempotency_Key="a")
    assert proposal.json()["permission"] == "rates.edit"


def test_verbs_that_are_not_offered_are_405(service, firm):
    with tenant_scope(firm.pk):
        customer = CustomerFactory.create()

    answer = service.client.delete(
        f"/api/v1/customers/{customer.public_id}", headers=service.headers
    )

    assert answer.status_code == 405
