"""The firm's own accounts: whose statements are taken in."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record
from billing_portal.errors import Refused
from billing_portal.money import UnknownCurrency, must_be_in_use
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.texts import refuse_hidden
from dunning.models import BankAccount


class BadAccount(Refused):
    """What was given is no account, or the firm has named it before."""

    code = "bank_accounts.bad"


@transaction.atomic
def add_bank_account(*, account: str, name: str, currency: str, by: Actor) -> BankAccount:
    """Name an account of the firm; statements of any other are refused.

    :param account: an IBAN or a number of the bank's own; spaces do not count.
    :raises BadAccount: when it is empty, too long, known, or of no currency.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    by.must("bank_accounts.edit")
    refuse_hidden({"account": account, "name": name})
    account = normalized(account)
    try:
        must_be_in_use(currency)
    except UnknownCurrency as error:
        raise BadAccount(f"There is no currency {currency}.") from error
    if not account.isascii() or not account.isalnum() or not name.strip():
        raise BadAccount("Give the account's letters and digits, and a name for it.")
    try:
        with transaction.atomic():
            made: BankAccount = BankAccount.objects.create(
                account=account, name=name.strip(), currency=currency, added_by=by.ref
            )
    except IntegrityError as error:
        raise BadAccount(f"{account} is named already.") from error
    record("bank_account.added", made, by=by, account=account, currency=currency, **told(made))
    publish("bank_account.added", about=made.public_id)
    return made


def normalized(account: str) -> str:
    """Return an account as it is compared: without spaces, in capitals."""
    return "".join(account.split()).upper()
