"""Getting paid in the back office: the firm's own accounts, and when overdue invoices are named."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from billing_portal.portal.currencies import offer_currencies
from billing_portal.portal.office import (
    OfficeAdmin,
    OfficeForm,
    VersionedForm,
    site,
)
from dunning.actions.bank_accounts import add_bank_account
from dunning.actions.ladder import add_step, change_step
from dunning.models import BankAccount, ReminderStep


class BankAccountForm(OfficeForm):
    """An account: its IBAN or number, what the firm calls it, its currency."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_currencies(self, "currency")


@admin.register(BankAccount, site=site)
class BankAccountAdmin(OfficeAdmin):
    """The firm's own accounts; each is named once and stays."""

    form = BankAccountForm
    view_permission = "payments.read"
    edit_permission = "bank_accounts.edit"
    is_grave = True
    create_action = staticmethod(add_bank_account)
    list_display = ("name", "account", "currency", "added_at")
    ordering = ("name", "pk")
    search_fields: ClassVar = ("account",)
    fields = ("account", "name", "currency")


class ReminderStepForm(VersionedForm):
    """A step of the ladder: how many days after the due day it comes."""


@admin.register(ReminderStep, site=site)
class ReminderStepAdmin(OfficeAdmin):
    """The firm's own ladder; without steps, the house's holds."""

    form = ReminderStepForm
    view_permission = "dunning.read"
    edit_permission = "dunning.edit"
    create_action = staticmethod(add_step)
    change_action = staticmethod(change_step)
    list_display = ("level", "days_after_due", "is_active")
    ordering = ("level", "pk")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fix the level once reminders may have gone out under it."""
        said = ["days_after_due", "is_active"]
        return ["level", *said] if obj is None else [*said, "version"]
