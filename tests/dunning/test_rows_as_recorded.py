"""What ledger_verify says when the owner of the database changes or removes one row, past every
guard: which row it is, in words without values.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from billing_portal.members.actions import approve_role, propose_role
from billing_portal.members.granting import approve_key, request_key
from billing_portal.money import Money
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id, tenant_scope
from customers.actions.payment_methods import (
    add_payment_method,
    approve_bank_details,
    propose_bank_details,
)
from customers.actions.rates import approve_rate, propose_rate
from customers.actions.terms import agree_terms
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.bank_files import import_bank_file
from dunning.actions.remind import remind_due
from invoices.actions.carriers import add_carrier
from invoices.actions.comments import add_comment
from invoices.actions.credit import approve_credit_note, request_credit_note
from invoices.actions.deliver import end
from invoices.actions.edit import edit_line
from invoices.actions.render import Rendered, keep
from invoices.actions.submit import move
from invoices.models import Delivery, Evidence, FrozenInvoice, Submission
from ledger.actions.closing import close, request_close
from ledger.actions.invariants import entries_without_rows
from ledger.actions.payments import allocate, receive, take_back
from ledger.models import AccountingPeriod
from tests.factories import TenantFactory, UserFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.outside.bank.server import DemoBank

ON = date(2026, 11, 20)
IBAN = "DE89370400440532013000"


def month_end(tmp_path):
    """Let one of everything happen: work, edits, invoices, files, uploads, mail, money, roles."""
    reviewer, biller = books.member("reviewer"), books.member("biller")
    owner, other = books.member("owner"), books.member("owner")
    rights(owner, other)
    agreed(books.customer(), owner, other)
    edited = books.a_draft(reviewer=reviewer)
    (line, _) = books.lines_of(edited)
    changes = {"narrative": "Attend deposition."}
    edit_line(
        line, version_seen=edited.version, changes=changes, reason_code="WORDING",
        reason="As agreed", by=reviewer, on=date(2026, 11, 2),
    )  # fmt: skip
    add_comment(edited, text="Please look at line 1.", by=biller)
    credited = books.finalized(reviewer=reviewer)
    note = request_credit_note(credited, reason="Wrong matter", by=biller)
    approve_credit_note(note, version_seen=note.version, by=owner, on=date(2026, 11, 3))
    books.finalized(reviewer=reviewer)  # reminded of; its carrier holds back the next one
    owed = books.finalized(reviewer=reviewer)
    books.captured(books.time_worked(books.matter_of(books.customer())))
    sent_out(owed)
    paid(owed, tmp_path)
    remind_due(on=date(2026, 12, 5), by=SYSTEM)
    closed("2026-10", owner, other)
    books.appoint_all()


def closed(month, owner, other):
    """Close a month of the books."""
    period = AccountingPeriod.objects.get(starts_on=AccountingPeriod.key_named(month))
    asked = request_close(period, by=owner, on=date(2026, 12, 5))
    close(asked, by=other, at=datetime(2026, 12, 5, tzinfo=UTC))


def rights(owner, other):
    """Give somebody a role, and a service a key."""
    firm = Tenant.objects.get(pk=current_tenant_id())
    keeper = propose_role(firm, UserFactory.create(), "timekeeper", by=owner)
    approve_role(keeper, by=other)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    asked = {"by": owner, "expires_at": at.replace(year=2027), "scopes": ["charges.capture"]}
    key, _ = request_key(firm, name="time system", **asked)
    approve_key(key, by=other, at=at)


def agreed(customer, owner, other):
    """Agree with a customer on prices, on paying, and on terms."""
    for amount, starts_on in (("200", date(2026, 1, 1)), ("210", date(2026, 7, 1))):
        price = Money(Decimal(amount), "USD")
        rate = propose_rate(amount=price, starts_on=starts_on, customer=customer, by=owner)
        approve_rate(rate, by=other)
    kind = {"kind": "BANK_TRANSFER", "label": "Bank transfer"}
    method = add_payment_method(customer, **kind, by=owner)
    account = {"holder": "Granite State", "account": IBAN}
    approve_bank_details(propose_bank_details(method, **account, by=owner), by=other)
    agree_terms(customer, starts_on=date(2026, 12, 1), cadence="QUARTERLY", by=owner)


def sent_out(invoice):
    """Mail its PDF, and upload its LEDES file in vain."""
    customer = invoice.customer
    customer.sends_pdf, customer.uploads_ledes, customer.carrier_code = True, True, "northfield"
    customer.save()
    add_carrier(code="northfield", name="Northfield", origin="https://carrier.test", by=SYSTEM)
    frozen = FrozenInvoice.objects.get(invoice=invoice).sha256
    pdf = Rendered("pdf", f"{invoice.number}.pdf", "application/pdf", b"%PDF")
    ledes = Rendered("ledes1998b", f"{invoice.number}.txt", "text/plain", b"[]", {"ok": True})
    for rendered in (pdf, ledes):
        keep(invoice, rendered, frozen, by=SYSTEM)
    end(Delivery.objects.get().pk, "SENT", answer="250 taken")
    submission = Submission.objects.get()
    seen = Evidence.objects.create(
        submission=submission, attempt=1, position=1, kind="SCREENSHOT", step="Submit",
        name="answer", sha256="a" * 64, size=3, taken_at=Now(),
    )  # fmt: skip
    submission.reference, submission.answered_at = "NF-1", datetime(2026, 11, 3, tzinfo=UTC)
    submission.save()
    move(submission, "REJECTED", by=SYSTEM, seen=[seen])


def paid(invoice, tmp_path):
    """Take money in from a bank's file, and by hand; take some of it back."""
    add_bank_account(account=IBAN, name="Operating", currency="USD", by=SYSTEM)
    account = {"account": IBAN, "owner": "Arnesen Pike", "currency": "USD", "opening": "1000.00"}
    with DemoBank(book=tmp_path / "bank.db", token="t") as bank:
        bank.ask("/_control/accounts", {**account, "opened_on": "2026-11-01"})
        for amount, words in (("300.00", invoice.number), ("12.00", "thank you")):
            bank.pay(
                payer_name="Granite State", amount=amount, booked_on="2026-11-05",
                remittance=words, account=IBAN,
            )  # fmt: skip
        data = bank.statement("2026-11-05", account=IBAN)
    import_bank_file(data, name="5.xml", by=SYSTEM, on=ON)
    money = Money(Decimal(50), "USD")
    payment = receive(
        source="test", key="check 7", customer=invoice.customer.public_id, amount=money,
        received_on=ON, booked_on=ON, bank="main", by=SYSTEM,
    )  # fmt: skip
    (allocation,) = allocate(payment, [(invoice.uid, money)], by=SYSTEM, on=ON)
    take_back(allocation, by=SYSTEM, on=ON, reason="Wrong invoice")


NOT_AS = "is not as it was recorded."
GONE = "is gone, and the trail tells of it."
# One statement of the owner's, and what is said of it.
LINES_OFF = "lines of statement .* not as the bank said"
TAMPERED = [
    (
        (
            "update ledger_accountingperiod set state = 'open', close_requested_by = '',"
            " closed_by = '', closed_at = null, head_seq = null, head_hash = ''"
            " where state = 'closed'"
        ),
        f"Accounting period 2026-10 {NOT_AS}",
    ),
    ("update dunning_bankline set movement = ''", LINES_OFF),
    ("update dunning_bankline set reference = 'other'", LINES_OFF),
    ("update dunning_bankline set payer_account = 'DE00'", LINES_OFF),
    ("update dunning_bankline set codes = 'X'", LINES_OFF),
    ("update dunning_bankline set is_reversal = not is_reversal", LINES_OFF),
    (
        "update invoices_invoice set made_by = 'user:99' where kind = 'CREDIT_NOTE'",
        f"Invoice inv_.* {NOT_AS}",
    ),
    (
        "update invoices_invoice set approved_by = 'user:99' where kind = 'CREDIT_NOTE'",
        f"Invoice inv_.* {NOT_AS}",
    ),
    ("update invoices_lineedit set reason = 'Other'", f"Line edit .* {NOT_AS}"),
    ("update invoices_lineedit set edited_by = 'user:99'", f"Line edit .* {NOT_AS}"),
    ("update invoices_lineedit set changes = '{}'", f"Line edit .* {NOT_AS}"),
    ("delete from invoices_lineedit", f"Line edit .* {GONE}"),
    ("update invoices_charge set narrative = 'Lunch'", f"Charge chg_.* {NOT_AS}"),
    (
        "update invoices_charge set quantity = quantity * 2, unit_price = unit_price / 2",
        f"Charge chg_.* {NOT_AS}",
    ),
    ("update invoices_charge set fingerprint = repeat('0', 64)", f"Charge chg_.* {NOT_AS}"),
    ("update invoices_charge set uid = gen_random_uuid()", "Charge chg_.* is unknown to the"),
    (
        (
            "delete from invoices_charge c where not exists"
            " (select from invoices_invoiceline where charge_id = c.id)"
        ),
        f"Charge chg_.* {GONE}",
    ),
    (
        "update invoices_submission set state = 'CONFIRMED', reference = 'NF-9'",
        f"Submission sub_.* {NOT_AS}",
    ),
    ("update invoices_submission set sha256 = repeat('0', 64)", f"Submission sub_.* {NOT_AS}"),
    ("update invoices_evidence set sha256 = repeat('0', 64)", f"Evidence .* {NOT_AS}"),
    ("delete from invoices_evidence", f"Evidence .* {GONE}"),
    (
        "delete from invoices_evidence; delete from invoices_submission",
        f"Submission sub_.* {GONE}",
    ),
    ("update invoices_document set proof = '{\"ok\": 1}'", f"Document doc_.* {NOT_AS}"),
    (
        "delete from invoices_delivery; delete from invoices_document where kind = 'pdf'",
        f"Document doc_.* {GONE}",
    ),
    ("update invoices_delivery set recipient = 'x@y.test'", f"Delivery dlv_.* {NOT_AS}"),
    ("update invoices_delivery set state = 'QUEUED'", f"Delivery dlv_.* {NOT_AS}"),
    ("delete from invoices_delivery", f"Delivery dlv_.* {GONE}"),
    ("update invoices_comment set text = 'Never mind.'", f"Comment cmt_.* {NOT_AS}"),
    ("delete from invoices_comment", f"Comment cmt_.* {GONE}"),
    ("update invoices_verdict set text = 'Well done.'", f"Verdict .* {NOT_AS}"),
    ("update dunning_reminder set recipient = 'x@y.test'", f"Reminder rem_.* {NOT_AS}"),
    ("update dunning_reminder set state = 'SENT', sent_at = now()", f"Reminder rem_.* {NOT_AS}"),
    ("delete from dunning_reminder", f"Reminder rem_.* {GONE}"),
    ("update dunning_bankaccount set account = 'DE00'", f"Bank account bac_.* {NOT_AS}"),
    ("update dunning_bankfile set name = 'other.xml'", f"Bank file bkf_.* {NOT_AS}"),
    ("update dunning_bankstatement set opened_on = '2026-01-01'", f"Bank statement .* {NOT_AS}"),
    ("delete from dunning_bankline", "do not come to its balances"),
    (
        (
            "delete from dunning_bankline; delete from dunning_bankstatement;"
            " delete from dunning_bankfile"
        ),
        f"Bank file bkf_.* {GONE}",
    ),
    ("update dunning_bankline set payment_id = null", "came in and has no payment."),
    (
        (
            "update dunning_bankline set payment_id = null;"
            " delete from ledger_payment where customer = ''"
        ),
        f"Payment pay_.* {GONE}",
    ),
    (
        (
            "update dunning_bankline set payment_id = null;"
            " delete from ledger_payment where customer = ''"
        ),
        "Entry .* is of a payment that is gone.",
    ),
    ("update ledger_payment set remittance = 'for lunch'", f"Payment pay_.* {NOT_AS}"),
    ("delete from ledger_allocation where takes_back_id is not null", f"Allocation .* {GONE}"),
    (
        "delete from ledger_allocation where takes_back_id is not null",
        "Entry .* is of an allocation that is gone.",
    ),
    ("update members_membership set role = 'owner'", f"Membership .* {NOT_AS}"),
    ("update members_membership set approved_by = 'user:99'", f"Membership .* {NOT_AS}"),
    ("update members_apikey set scopes = '[]'", f"Api key .* {NOT_AS}"),
    ("update members_apikey set approved_by = 'user:99'", f"Api key .* {NOT_AS}"),
    (
        "update members_apikey set uid = gen_random_uuid()",
        "Api key key_.* is unknown to the trail.",
    ),
    ("update customers_rate set amount = amount + 1", f"Rate rat_.* {NOT_AS}"),
    ("delete from customers_rate", f"Rate rat_.* {GONE}"),
    ("update customers_bankdetails set holder = 'Me'", f"Bank details bnk_.* {NOT_AS}"),
    ("update customers_paymentmethod set label = 'Cash'", f"Payment method pm_.* {NOT_AS}"),
    (
        "update customers_aggregationsetting set cadence = 'MONTHLY' where cadence = 'QUARTERLY'",
        f"Aggregation setting agg_.* {NOT_AS}",
    ),
]


BACK = (
    "update {table} set id = 1 where id = 99",
    "update {table} t set ({columns}) = (select {columns} from {kept} k where k.id = t.id)",
    "insert into {table} table {kept} on conflict do nothing",
)


class Owner:
    """The hand that owns the tables: it does one thing past the guards, and undoes it."""

    def __init__(self, databases, firm):
        name = connection.settings_dict["NAME"]
        self.hand = psycopg.connect(databases.url("owner", name), autocommit=True)
        self.hand.execute(f"set app.tenant = '{firm.pk}'")
        self.tables = []

    def does(self, statement):
        self.tables = list(dict.fromkeys(re.findall(r"(?:update|delete from) (\w+)", statement)))
        for table in self.tables:
            self.hand.execute(f"create temp table kept_{table} as table {table}")
        self._past_the_guards(statement)

    def undoes(self):
        for table in reversed(self.tables):
            found = self.hand.execute(
                "select quote_ident(attname) from pg_attribute where attrelid = %s::regclass"
                " and attnum > 0 and not attisdropped and attname <> 'id'", [table],
            )  # fmt: skip
            columns = ", ".join(row[0] for row in found)
            names = {"table": table, "columns": columns, "kept": f"kept_{table}"}
            for statement in BACK:
                self._past_the_guards(statement.format(**names))
            self.hand.execute(f"drop table kept_{table}")

    def _past_the_guards(self, statement):
        for table in self.tables:
            self.hand.execute(f"alter table {table} disable trigger user")
        self.hand.execute(statement)
        for table in self.tables:
            self.hand.execute(f"alter table {table} enable trigger user")


def found_of(firm):
    with tenant_scope(firm.pk):
        checks = [entries_without_rows, *map(import_string, settings.LEDGER_CHECKS)]
        return [words for check in checks for words in check()]


@pytest.mark.django_db(transaction=True)
def test_what_the_owner_changed_or_removed_is_named(databases, tmp_path):
    firm = TenantFactory.create()
    with tenant_scope(firm.pk):
        month_end(tmp_path)
    assert found_of(firm) == []
    owner, missed = Owner(databases, firm), []

    with owner.hand:
        for statement, words in TAMPERED:
            owner.does(statement)
            found = found_of(firm)
            owner.undoes()
            if not any(re.search(words, each) for each in found):
                missed.append((statement, words, found))

    assert missed == []
    assert found_of(firm) == []
