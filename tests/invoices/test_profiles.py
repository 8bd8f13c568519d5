"""A carrier's LEDES profile: its files are written, checked and proven as it wants them."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Address
from invoices.actions.carriers import add_carrier, add_login, change_carrier, refuse_login
from invoices.actions.checking import checked
from invoices.actions.freeze import NotInLedes
from invoices.gateways import files
from invoices.ledes.profile import DEFAULT, BadProfile
from invoices.models import Carrier, Document, Invoice
from invoices.queries.carriers import profile_of, profiles_of
from invoices.queries.invoices import lines_of
from tests.factories import MembershipFactory, UserFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain
from tests.visiting import office_key, signed_in, text_of

pytestmark = pytest.mark.django_db
ON = date(2026, 11, 2)
SHORT = {"version": 2, "line_ending": "\n", "longest": {"LINE_ITEM_DESCRIPTION": 12}}


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.FILES_DIR = tmp_path


@pytest.fixture
def dated(tenant):
    tenant.name, tenant.region, tenant.city, tenant.tax_id = "Arnesen Pike", "NY", "Albany", "9-1"
    tenant.save()
    return tenant


def carrier(code, **profile):
    return add_carrier(
        code=code, name=code.title(), origin="https://carrier.test", by=SYSTEM, profile=profile
    )


def a_draft(code, **more):
    """Return the draft for a customer whose files a carrier takes."""
    made = books.customer(grouping="BY_MATTER", formats=["ledes1998b"], **more)
    made.carrier_code, made.sends_pdf = code, False
    made.save()
    books.captured(books.time_worked(books.matter_of(made)))
    return made


def finals():
    reviewer = books.member("owner")
    return [books.final(each, reviewer, on=ON) for each in books.drafted()]


def file_of(tenant, invoice):
    document = Document.objects.get(invoice=invoice, kind="ledes1998b")
    return files.read(tenant.pk, document.sha256), document.proof


def test_each_carrier_gets_the_file_as_it_wants_it(dated):
    carrier("short", **SHORT)
    carrier("plain")
    for code in ("short", "plain"):
        a_draft(code)

    first, second = finals()
    drain()

    (short, told), (plain, standard) = file_of(dated, first), file_of(dated, second)
    assert b"\r\n" not in short
    assert b"|Attend depos|" in short
    assert plain.count(b"\r\n") == plain.count(b"\n") == 3
    assert b"|Attend deposition of the treating physician.|" in plain
    assert (told["ok"], standard["ok"]) == (True, True)
    assert told["profile"] == {"name": "short"} | SHORT
    assert standard["profile"]["name"] == DEFAULT.name


def test_a_matters_own_carrier_comes_before_its_customers(dated):
    carrier("short", **SHORT)
    made = a_draft("plain")
    (draft,) = books.drafted()
    assert draft.matter is not None
    draft.matter.carrier_code = "short"

    assert profile_of(draft).longest == SHORT["longest"]
    assert draft.customer == made


def test_a_carrier_that_nobody_has_added_takes_the_standard(dated):
    a_draft("unknown")
    (draft,) = books.drafted()

    assert profile_of(draft) == DEFAULT


@pytest.mark.parametrize("count", [1, 3])
def test_profiles_take_one_query(dated, count, django_assert_num_queries):
    for number in range(count):
        carrier(f"c{number}", **SHORT)
        a_draft(f"c{number}")
    books.drafted()
    drafts = list(Invoice.objects.select_related("matter", "customer"))

    with django_assert_num_queries(1):
        found = profiles_of(drafts)

    assert {name: each.version for name, each in found.items()} == {
        f"c{number}": 2 for number in range(count)
    }


def test_a_draft_is_checked_by_its_carriers_profile(dated):
    carrier("short", **SHORT)
    a_draft("short")
    (draft,) = books.drafted()
    lines = lines_of(draft)

    found = checked(draft, lines, on=ON)

    assert found.in_file["1"].text == "Attend depos"
    assert "ledes.letters" in {each.rule for each in found.checks}


TAX = {"tax_in_1998b": "net", "currencies": ["USD", "GBP"]}


def taxed(tenant, code):
    tenant.country = "GB"
    tenant.save()
    made = a_draft(code, place="")
    Address.objects.create(
        customer=made, starts_on=date(2026, 1, 1), line_1="2 Fleet Street", city="London",
        country="GB",
    )  # fmt: skip


def test_a_carrier_that_takes_the_tax_elsewhere_gets_the_net_amounts(dated):
    carrier("net", **TAX)
    taxed(dated, "net")
    (invoice,) = finals()
    drain()

    data, proof = file_of(dated, invoice)
    assert (proof["total"], proof["booked"], proof["approved"]) == ("400.00", "480.00", "480.00")
    assert b"|400.00|" in data


def test_what_the_carriers_profile_refuses_is_not_made_final(dated):
    carrier("gross")
    taxed(dated, "gross")

    with pytest.raises(NotInLedes, match="no field for tax"):
        finals()
    assert Invoice.objects.get().number == ""


@pytest.mark.parametrize(
    "profile", [{"no_such": 1}, {"longest": {"NO_COLUMN": 3}}, {"tolerance": "x"}, ["x"]]
)
def test_what_is_no_profile_is_neither_added_nor_changed_to(dated, profile):
    known = carrier("short", **SHORT)

    with pytest.raises(BadProfile):
        change_carrier(known, version_seen=known.version, by=SYSTEM, profile=profile)
    with pytest.raises(BadProfile):
        add_carrier(code="new", name="New", origin="https://new.test", by=SYSTEM, profile=profile)

    assert [row.profile for row in Carrier.objects.all()] == [SHORT]


def test_a_profile_is_typed_in_the_back_office_and_on_record(client, firm):
    user = UserFactory.create()
    MembershipFactory.create(tenant=firm, user=user, role="owner")
    signed_in(client, user)
    with tenant_scope(firm.pk):
        known = carrier("short")
    page = f"/t/{firm.slug}/admin/invoices/carrier/{office_key(known)}/change/"
    form = {"name": "Short", "origin": "https://carrier.test", "version": known.version}

    wrong = client.post(page, form | {"profile": '{"no_such": 1}'})
    client.post(page, form | {"profile": '{"line_ending": "\\n"}'})

    assert "no profile has no_such" in text_of(wrong)
    with tenant_scope(firm.pk):
        assert Carrier.objects.get().profile == {"line_ending": "\n"}
        told = AuditEvent.objects.get(action="carrier.changed").details["changed"]
    assert told == {"profile": [{}, {"line_ending": "\n"}]}


def a_login(at):
    return add_login(
        at, user_name="u", password="p", owner=books.user_of(books.member("biller")), by=SYSTEM
    )


def test_a_refused_login_is_named_by_its_key(dated):
    known = carrier("short")
    a_login(known)
    newest = a_login(known)

    refuse_login(known, reason="Wrong password.", by=SYSTEM)

    known.refresh_from_db()
    assert known.refused_login == newest


def test_a_carrier_cannot_name_a_login_of_another_firm(tenant, neighbor):
    with neighbor:
        theirs = a_login(carrier("theirs"))
    ours = carrier("ours")

    with pytest.raises(IntegrityError), transaction.atomic():
        Carrier.objects.filter(pk=ours.pk).update(refused_login_id=theirs.pk)
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")
    assert not Carrier.objects.filter(refused_login__isnull=False).exists()
