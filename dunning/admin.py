"""Getting paid in the back office: the firm's own accounts, and when overdue invoices are named."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from billing_portal.portal.office import OfficeAdmin, OfficeForm, site
from dunning.actions.bank_accounts import add_bank_account
from dunning.models import BankAccount


class BankAccountForm(OfficeForm):
    """An account: its IBAN or number, what the firm calls it, its currency."""


@admin.register(BankAccount, site=site)
class BankAccountAdmin(OfficeAdmin):
    """The firm's own accounts; each is named once and stays."""

    form = BankAccountForm
    view_permission = "payments.read"
    edit_permission = "bank_accounts.edit"
    create_action = staticmethod(add_bank_account)
    list_display = ("name", "account", "currency", "added_at")
    ordering = ("name", "pk")
    search_fields: ClassVar = ("account",)
    fields = ("account", "name", "currency")
