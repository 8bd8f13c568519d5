"""Terms, payment methods and rates; four eyes in the action and in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.rows import told
from billing_portal.errors import Refused
from billing_portal.money import Money
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.actors import MissingPermission
from billing_portal.tenancy.encryption import WrongPlace
from billing_portal.tenancy.scope import tenant_scope
from customers import queries
from customers.actions.payment_methods import (
    add_payment_method,
    approve_bank_details,
    end_payment_method,
    propose_bank_details,
    reject_bank_details,
)
from customers.actions.rates import approve_rate, propose_rate, reject_rate
from customers.actions.refusals import (
    AlreadyDecided,
    AlreadyProposed,
    BadValue,
    CardNumberRefused,
    Closed,
    NotAMember,
    RatesOverlap,
    SamePerson,
    Unknown,
)
from customers.actions.terms import agree_terms
from customers.models import Address, AggregationSetting, BankDetails, PaymentMethod, Rate
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    PaymentMethodFactory,
    RateFactory,
    TermsFactory,
    TimekeeperFactory,
)
from tests.factories import UserFactory, actor

DAY = date(2026, 3, 1)
IBAN = "DE89 3704 0044 0532 0130 00"


def dollars(text):
    return Money(Decimal(text), "USD")


def test_terms_take_zone_and_currency_from_the_customer(tenant, owner):
    customer = CustomerFactory.create(currency="EUR", time_zone="Europe/Berlin")

    terms = agree_terms(customer, starts_on=DAY, cadence="MONTHLY", by=owner)

    assert (terms.time_zone, terms.least) == ("Europe/Berlin", Money(Decimal("0.00"), "EUR"))
    subjects = AuditEvent.objects.order_by("subject_id").values_list("subject_kind", flat=True)
    assert set(subjects) == {"customer", "aggregationsetting"}
    assert OutboxEvent.objects.get().kind == "customer.terms_agreed"


@pytest.mark.parametrize(
    "values",
    [
        {"cadence": "DAILY"},
        {"cadence": "SEMIMONTHLY", "anchor": 16},
        {"cadence": "WEEKLY", "anchor": 8},
        {"anchor": 0},
        {"anchor": 32},
        {"grouping": "BY_MOOD"},
        {"time_zone": "Mars/Olympus"},
        {"formats": ["docx"]},
        {"grace_hours": 745},
        {"minimum": Money(Decimal(5), "EUR")},
        {"minimum": Money(Decimal(-5), "USD")},
    ],
)
def test_terms_refuse(tenant, owner, values):
    said = {"starts_on": DAY, "cadence": "MONTHLY", "by": owner} | values

    with pytest.raises(BadValue):
        agree_terms(CustomerFactory.create(), **said)

    assert not AggregationSetting.objects.exists()
    assert not AuditEvent.objects.exists()


def test_terms_refuse_what_is_another_customers_and_strangers(tenant, owner):
    customer = CustomerFactory.create()
    said = {"starts_on": DAY, "cadence": "MONTHLY", "by": owner}

    with pytest.raises(Unknown):
        agree_terms(customer, matter=MatterFactory.create(), **said)
    with pytest.raises(Unknown):
        agree_terms(customer, payment_method=PaymentMethodFactory.create(), **said)
    with pytest.raises(Unknown):
        ended = PaymentMethodFactory.create(customer=customer, ended_on=DAY)
        agree_terms(customer, payment_method=ended, **said)
    with pytest.raises(NotAMember):
        agree_terms(customer, reviewer=UserFactory.create(), **said)
    with pytest.raises(Closed):
        agree_terms(CustomerFactory.create(state="CLOSED"), **said)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "CASH"},
        {"kind": "CARD"},
        {"kind": "CARD", "token": "tok_1"},
        {"kind": "CHECK", "token": "tok_1", "gateway": "sandbox"},
        {"kind": "CHECK", "gateway": "sandbox"},
        {"kind": "SEPA_DEBIT", "token": "tok_1", "gateway": "sandbox"},
        {"kind": "CARD", "gateway": "sandbox", "token": "4111111111111111"},
    ],
)
def test_payment_methods_refuse(tenant, owner, values):
    with pytest.raises(Refused):
        add_payment_method(CustomerFactory.create(), label="Main", by=owner, **values)

    assert not PaymentMethod.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_payment_method_is_added_and_ends_once(tenant, owner):
    method = add_payment_method(
        CustomerFactory.create(),
        kind="SEPA_DEBIT",
        label="Account ending 3000",
        gateway="sandbox",
        token="ba_1",
        mandate_reference="M-1",
        by=owner,
    )

    end_payment_method(method, on=DAY, by=owner)

    with pytest.raises(Closed):
        end_payment_method(method, on=DAY, by=owner)


def test_bank_details_count_once_another_person_approves_them(tenant, owner, second_owner):
    method = PaymentMethodFactory.create()
    details = propose_bank_details(method, holder="Granite", account=IBAN, by=owner)

    assert queries.bank_details_of(method) is None
    with pytest.raises(SamePerson):
        approve_bank_details(details, by=owner)
    approve_bank_details(details, by=second_owner)

    assert queries.bank_details_of(method) == details
    assert "3704" not in details.sealed_account
    assert queries.account_of(details) == "DE89370400440532013000"
    trail = " ".join(str(event.details) for event in AuditEvent.objects.all())
    assert "3704" not in trail
    with pytest.raises(AlreadyDecided):
        reject_bank_details(details, by=second_owner)


def test_an_account_copied_to_another_row_does_not_open(tenant, owner):
    method, other = PaymentMethodFactory.create_batch(2)
    details = propose_bank_details(method, holder="Granite", account=IBAN, by=owner)
    copied = propose_bank_details(other, holder="Granite", account="12345678", by=owner)
    copied.sealed_account = details.sealed_account

    with pytest.raises(WrongPlace):
        queries.account_of(copied)


def test_bank_details_refuse(tenant, owner, timekeeper):
    method = PaymentMethodFactory.create()

    with pytest.raises(MissingPermission):
        propose_bank_details(method, holder="Granite", account=IBAN, by=timekeeper)
    with pytest.raises(BadValue):
        propose_bank_details(method, holder="Granite", account="12;DROP", by=owner)
    with pytest.raises(CardNumberRefused):
        propose_bank_details(method, holder="Granite", account="4111111111111111", by=owner)
    propose_bank_details(method, holder="Granite", account=IBAN, by=owner)
    with pytest.raises(AlreadyProposed):
        propose_bank_details(method, holder="Granite", account=IBAN, by=owner)

    assert BankDetails.objects.count() == 1


def test_the_database_refuses_one_person_for_both_parts(tenant, owner):
    rate = propose_rate(amount=dollars("250"), starts_on=DAY, by=owner)
    details = propose_bank_details(
        PaymentMethodFactory.create(), holder="Granite", account=IBAN, by=owner
    )

    with (
        pytest.raises(IntegrityError, match="rate_approver_is_not_its_proposer"),
        transaction.atomic(),
    ):
        Rate.objects.filter(pk=rate.pk).update(state="APPROVED", decided_by=owner.ref)
    with (
        pytest.raises(IntegrityError, match="bank_details_approver_is_not_their_proposer"),
        transaction.atomic(),
    ):
        BankDetails.objects.filter(pk=details.pk).update(state="APPROVED", decided_by=owner.ref)


@pytest.mark.parametrize(
    "change",
    [{"amount": Decimal(999)}, {"proposed_by": "user:9"}, {"starts_on": date(2020, 1, 1)}],
)
def test_the_database_refuses_to_edit_what_was_proposed(tenant, owner, change):
    rate = propose_rate(amount=dollars("250"), starts_on=DAY, by=owner)

    with pytest.raises(IntegrityError, match="never changes once proposed"), transaction.atomic():
        Rate.objects.filter(pk=rate.pk).update(**change)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        rate.delete()


def test_the_database_refuses_to_decide_twice(tenant, owner, second_owner):
    rate = approve_rate(
        propose_rate(amount=dollars("250"), starts_on=DAY, by=owner), by=second_owner
    )

    with pytest.raises(IntegrityError, match="never changes once proposed"), transaction.atomic():
        Rate.objects.filter(pk=rate.pk).update(decided_by="user:9")


@pytest.mark.parametrize("model", [Address, AggregationSetting])
def test_dated_facts_never_change(tenant, model):
    TermsFactory.create()
    table = model._meta.db_table

    with (
        pytest.raises(Exception, match=r"append-only|permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"delete from {table}")  # noqa: S608 -- the table is ours


def test_an_approved_rate_ends_the_open_one_before_it(tenant, owner, second_owner):
    timekeeper = TimekeeperFactory.create()
    older = RateFactory.create(timekeeper=timekeeper, starts_on=date(2026, 1, 1))
    rate = propose_rate(amount=dollars("250"), starts_on=DAY, timekeeper=timekeeper, by=owner)

    approve_rate(rate, by=second_owner)

    older.refresh_from_db()
    assert older.ends_on == DAY
    event = AuditEvent.objects.get(action="rate.approved")
    said = {"proposed_by": owner.ref, "ended": older.public_id}
    rate.refresh_from_db()
    assert event.details == {**said, **told(rate, older)}


def test_approving_refuses_what_overlaps_and_changes_nothing(tenant, owner, second_owner):
    open_one = RateFactory.create(starts_on=date(2026, 1, 1), ends_on=date(2026, 3, 15))
    rate = propose_rate(amount=dollars("250"), starts_on=DAY, by=owner)

    with pytest.raises(RatesOverlap):
        approve_rate(rate, by=second_owner)

    rate.refresh_from_db()
    open_one.refresh_from_db()
    assert (rate.state, open_one.ends_on) == ("PROPOSED", date(2026, 3, 15))
    assert not AuditEvent.objects.filter(action="rate.approved").exists()


def test_rates_of_other_keys_and_currencies_may_hold_on_the_same_days(tenant):
    matter = MatterFactory.create()
    RateFactory.create()
    RateFactory.create(level="Associate")
    RateFactory.create(amount_currency="EUR")
    RateFactory.create(customer=matter.customer)
    RateFactory.create(matter=matter)
    RateFactory.create(timekeeper=TimekeeperFactory.create())
    RateFactory.create(state="PROPOSED", decided_by="")

    with pytest.raises(IntegrityError, match="rate_overlaps_no_other"), transaction.atomic():
        RateFactory.create(matter=matter, ends_on=date(2026, 1, 2))


@pytest.mark.django_db(transaction=True)
def test_of_two_approvals_at_once_for_one_key_only_one_holds(firm):
    with tenant_scope(firm.pk):
        rates = [
            propose_rate(amount=dollars("250"), starts_on=DAY, by=actor("owner", number=1)).pk
            for _ in range(2)
        ]
    both_ready = Barrier(2)

    def approve(pk):
        try:
            with tenant_scope(firm.pk):
                rate = Rate.objects.get(pk=pk)
                both_ready.wait(timeout=10)
                approve_rate(rate, by=actor("owner", number=2))
        except RatesOverlap:
            return "refused"
        finally:
            connection.close()
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(approve, rates))

    assert outcomes == ["approved", "refused"]
    with tenant_scope(firm.pk):
        assert Rate.objects.approved().count() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"ends_on": DAY},
        {"amount": Money(Decimal(-1), "USD")},
        {"amount": Money(Decimal("1.00001"), "USD")},
        {"level": "4111111111111111"},
    ],
)
def test_rates_refuse(tenant, owner, values):
    said = {"amount": dollars("250"), "starts_on": DAY, "by": owner} | values

    with pytest.raises(Refused):
        propose_rate(**said)

    assert not Rate.objects.exists()


def test_a_rate_has_one_card_and_one_addressee(tenant, owner):
    matter, timekeeper = MatterFactory.create(), TimekeeperFactory.create()
    said = {"amount": dollars("250"), "starts_on": DAY, "by": owner}

    with pytest.raises(BadValue):
        propose_rate(matter=matter, customer=matter.customer, **said)
    with pytest.raises(BadValue):
        propose_rate(timekeeper=timekeeper, level="Associate", **said)


def test_rates_ask_for_permissions(tenant, owner, timekeeper):
    rate = propose_rate(amount=dollars("250"), starts_on=DAY, by=actor("biller", number=4))

    with pytest.raises(MissingPermission):
        propose_rate(amount=dollars("250"), starts_on=DAY, by=timekeeper)
    with pytest.raises(MissingPermission):
        approve_rate(rate, by=actor("biller", number=5))
    with pytest.raises(MissingPermission):
        reject_rate(rate, by=actor("biller", number=5))

    reject_rate(rate, by=actor("biller", number=4), reason="Typing error.")
    with pytest.raises(AlreadyDecided):
        approve_rate(rate, by=owner)


def test_another_firms_proposal_is_unknown(tenant, neighbor, owner, second_owner):
    with neighbor:
        rate = propose_rate(amount=dollars("250"), starts_on=DAY, by=owner)

    with pytest.raises(Unknown):
        approve_rate(rate, by=second_owner)
