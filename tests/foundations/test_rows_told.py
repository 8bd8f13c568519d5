"""Deeds tell what they wrote by a hash: the same however the row was come by, and no words."""

from decimal import Decimal

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.row_checks import rows_are_as_recorded, rows_are_known
from billing_portal.audit.rows import recorded_models, row_sha256, told
from billing_portal.audit.trail import record
from dunning.actions.bank_accounts import add_bank_account
from dunning.models import BankAccount
from invoices.models import Charge
from tests.invoices import books
from tests.invoices.books import SYSTEM

CHECKS = (rows_are_as_recorded, rows_are_known)


def test_a_row_has_one_hash_before_and_after_the_database(tenant):
    matter = books.matter_of(books.customer())
    books.captured(books.time_worked(matter, hours="2.50"))
    charge = Charge.objects.get()
    deed = AuditEvent.objects.get(action="charge.captured")
    assert deed.details["rows"] == {f"charge:{charge.public_id}": row_sha256(charge)}
    charge.quantity = Decimal("2.5")
    assert told(charge) == {"rows": deed.details["rows"]}
    charge.quantity = Decimal("2.5001")
    assert told(charge) != {"rows": deed.details["rows"]}
    assert "deposition" not in str(deed.details)


def test_every_column_that_is_recorded_is_the_models_own():
    for model in recorded_models().values():
        for name in getattr(model, "RECORDED"):  # noqa: B009 -- not every model has it
            assert hasattr(model, name), (model, name)


def test_a_row_whose_deed_told_nothing_of_it_is_not_compared(tenant):
    old = BankAccount.objects.create(account="1", name="Old", currency="USD", added_by="user:1")
    assert rows_are_known() == [f"Bank account {old.public_id} is unknown to the trail."]
    record("bank_account.added", old, by=SYSTEM)
    BankAccount.objects.update(name="Older")
    assert [check() for check in CHECKS] == [[], []]


def test_the_last_deed_that_tells_a_row_counts(tenant):
    made = add_bank_account(account="7", name="Operating", currency="USD", by=SYSTEM)
    made.name = "Trust"
    made.save()
    assert rows_are_as_recorded() == [f"Bank account {made.public_id} is not as it was recorded."]
    record("bank_account.added", made, by=SYSTEM, **told(made))
    assert rows_are_as_recorded() == []


def test_a_neighbors_rows_are_not_asked_about(tenant, neighbor):
    made = add_bank_account(account="7", name="Operating", currency="USD", by=SYSTEM)
    made.name = "Trust"
    made.save()
    BankAccount.objects.create(account="1", name="Old", currency="USD", added_by="user:1")
    with neighbor:
        assert [check() for check in CHECKS] == [[], []]
        record("bank_account.added", made, by=SYSTEM)
        assert rows_are_as_recorded() == [
            f"Bank account {made.public_id} is gone, and the trail tells of it."
        ]
