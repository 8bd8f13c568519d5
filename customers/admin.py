"""The back office's view of the room: read by ``customers.read``, edited through actions only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from billing_portal.periods import local_day
from billing_portal.portal.office import OfficeAdmin, site
from billing_portal.portal.signatures import signed
from billing_portal.portal.templatetags.portal import price
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.requests import FirmRequest
from customers import forms
from customers.actions import customers as customer_actions
from customers.actions import matters as matter_actions
from customers.actions import payment_methods as payment_actions
from customers.actions import rates as rate_actions
from customers.actions import terms as term_actions
from customers.actions import timekeepers as timekeeper_actions
from customers.models import (
    Address,
    AggregationSetting,
    BankDetails,
    Contact,
    Customer,
    Matter,
    PaymentMethod,
    Rate,
    TaxIdentity,
    Timekeeper,
)

_VERSION = "version"


class CustomersAdmin(OfficeAdmin):
    """What all nouns of the room share: who reads and who edits."""

    view_permission = "customers.read"
    edit_permission = "customers.edit"
    only_when_added: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fix what is said once."""
        return () if obj is None else self.only_when_added


@admin.register(Customer, site=site)
class CustomerAdmin(CustomersAdmin):
    """Customers."""

    form = forms.CustomerForm
    create_action = staticmethod(customer_actions.open_customer)
    change_action = staticmethod(customer_actions.change_customer)
    only_when_added = ("currency", "state")
    list_display = ("name", "external_id", "currency", "carrier_code", "state")
    list_filter = ("state",)
    search_fields = ("name_key", "external_key")
    ordering = ("name_key", "pk")
    actions = ("close",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the first day when a customer is opened; show the state afterwards."""
        said = [
            *("external_id", "name", "legal_name", "currency", "time_zone", "invoice_email"),
            *("sends_pdf", "uploads_ledes", "carrier_code", "ledes_client_id"),
            "payment_terms_days",
        ]
        return [*said, "on"] if obj is None else [*said, "state", _VERSION]

    @admin.action(description="Close", permissions=["edit"])
    def close(self, request: HttpRequest, rows: QuerySet[Customer]) -> None:
        """Close the chosen customers."""

        def deed(row: Customer, *, by: Actor) -> None:
            customer_actions.close_customer(row, version_seen=row.version, by=by)

        self.perform(request, deed, rows)


@admin.register(Matter, site=site)
class MatterAdmin(CustomersAdmin):
    """Matters."""

    form = forms.MatterForm
    change_action = staticmethod(matter_actions.change_matter)
    create_action = staticmethod(matter_actions.open_matter)
    only_when_added = ("customer", "opened_on", "state", "closed_on")
    list_display = ("external_id", "name", "customer", "state", "opened_on")
    list_select_related = ("customer",)
    list_filter = ("state",)
    search_fields = ("external_key", "name_key", "customer__name_key")
    autocomplete_fields = ("customer",)
    ordering = ("-pk",)
    actions = ("close",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the state once it is open."""
        said = [
            *("customer", "external_id", "client_matter_id", "name", "responsible", "opened_on"),
            *("carrier_code", "ledes_client_id", "invoice_description"),
        ]
        return said if obj is None else [*said, "state", "closed_on", _VERSION]

    @admin.action(description="Close as of today", permissions=["edit"])
    def close(self, request: HttpRequest, rows: QuerySet[Matter]) -> None:
        """Close the chosen matters, today being the firm's."""

        def deed(row: Matter, *, by: Actor) -> None:
            matter_actions.close_matter(row, on=_today(request), version_seen=row.version, by=by)

        self.perform(request, deed, rows)


@admin.register(Timekeeper, site=site)
class TimekeeperAdmin(CustomersAdmin):
    """Timekeepers."""

    form = forms.TimekeeperForm
    create_action = staticmethod(timekeeper_actions.add_timekeeper)
    change_action = staticmethod(timekeeper_actions.change_timekeeper)
    list_display = ("name", "external_id", "classification", "level", "state")
    list_filter = ("state", "classification")
    search_fields = ("name_key", "external_key")
    ordering = ("name_key", "pk")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Carry the version once there is one."""
        said = ["external_id", "name", "classification", "level", "user", "state"]
        return said if obj is None else [*said, _VERSION]


@admin.register(Rate, site=site)
class RateAdmin(OfficeAdmin):
    """Rates: proposed here by one person, approved here by another."""

    view_permission = "customers.read"
    edit_permission = "rates.edit"
    is_grave = True
    unproven_actions = frozenset({"reject"})
    form = forms.RateForm
    create_action = staticmethod(rate_actions.propose_rate)
    list_display = (
        *("price", "starts_on", "ends_on", "timekeeper", "matter", "customer", "level", "state"),
    )
    list_select_related = ("matter", "customer", "timekeeper")
    list_filter = ("state",)
    autocomplete_fields = ("matter", "customer", "timekeeper")
    ordering = ("-pk",)
    actions = ("approve", "reject")
    readonly_fields = ("state", signed("proposed_by"), signed("decided_by"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show who proposed and decided once there is a row."""
        said = ["matter", "customer", "timekeeper", "level", "starts_on", "ends_on", "amount"]
        return said if obj is None else [*said, *self.readonly_fields]

    @admin.display(description="Rate", ordering="amount")
    def price(self, rate: Rate) -> str:
        """What an hour costs."""
        stored: Any = rate.amount
        code = str(stored.currency)
        return format_html("{} {}", price(stored.amount, code), code)

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Let who may approve rates decide."""
        return cast(FirmRequest, request).actor.may("rates.approve")

    @admin.action(description="Approve", permissions=["approve"])
    def approve(self, request: HttpRequest, rows: QuerySet[Rate]) -> None:
        """Let the chosen rates hold."""
        self.perform(request, rate_actions.approve_rate, rows)

    @admin.action(description="Reject", permissions=["approve", "edit"])
    def reject(self, request: HttpRequest, rows: QuerySet[Rate]) -> None:
        """Turn the chosen rates down."""
        self.perform(request, rate_actions.reject_rate, rows)


@admin.register(AggregationSetting, site=site)
class TermsAdmin(CustomersAdmin):
    """Terms are agreed anew from a day on; what was agreed before stays as it was."""

    form = forms.TermsForm
    create_action = staticmethod(term_actions.agree_terms)
    list_display = ("customer", "matter", "starts_on", "cadence", "grouping", "reviewer")
    list_select_related = ("customer", "matter", "reviewer")
    list_filter = ("cadence", "grouping")
    search_fields = ("customer__name_key",)
    autocomplete_fields = ("customer", "matter", "payment_method")
    ordering = ("-pk",)
    fields = (
        *("customer", "matter", "starts_on", "cadence", "anchor", "began_on", "grouping"),
        *("time_zone", "payment_method", "minimum", "grace_hours", "formats", "reviewer"),
    )


@admin.register(PaymentMethod, site=site)
class PaymentMethodAdmin(CustomersAdmin):
    """Payment methods: tokens only."""

    form = forms.PaymentMethodForm
    is_grave = True
    create_action = staticmethod(payment_actions.add_payment_method)
    list_display = ("label", "kind", "customer", "gateway", "ended_on")
    list_select_related = ("customer",)
    list_filter = ("kind",)
    search_fields = ("customer__name_key",)
    autocomplete_fields = ("customer",)
    ordering = ("-pk",)
    fields = ("customer", "kind", "label", "gateway", "token", "mandate_reference")
    actions = ("end",)

    @admin.action(description="End as of today", permissions=["edit"])
    def end(self, request: HttpRequest, rows: QuerySet[PaymentMethod]) -> None:
        """Stop using the chosen methods, today being the firm's."""
        deed = partial(payment_actions.end_payment_method, on=_today(request))
        self.perform(request, deed, rows)


@admin.register(BankDetails, site=site)
class BankDetailsAdmin(CustomersAdmin):
    """Bank details: proposed by one person, approved by another; the account is never shown."""

    form = forms.BankDetailsForm
    is_grave = True
    unproven_actions = frozenset({"reject"})
    create_action = staticmethod(payment_actions.propose_bank_details)
    list_display = ("payment_method", "holder", "account_ending", "state")
    list_select_related = ("payment_method",)
    list_filter = ("state",)
    autocomplete_fields = ("payment_method",)
    ordering = ("-pk",)
    actions = ("approve", "reject")
    readonly_fields = ("account_ending", "state", signed("proposed_by"), signed("decided_by"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Take the account once; show its last four characters afterwards."""
        said = ["payment_method", "holder", "bank_code"]
        return [*said, "account"] if obj is None else [*said, *self.readonly_fields]

    @admin.action(description="Approve", permissions=["edit"])
    def approve(self, request: HttpRequest, rows: QuerySet[BankDetails]) -> None:
        """Let the chosen details count."""
        self.perform(request, payment_actions.approve_bank_details, rows)

    @admin.action(description="Reject", permissions=["edit"])
    def reject(self, request: HttpRequest, rows: QuerySet[BankDetails]) -> None:
        """Turn the chosen details down."""
        self.perform(request, payment_actions.reject_bank_details, rows)


@admin.register(Address, site=site)
class AddressAdmin(CustomersAdmin):
    """Addresses, each from a day on."""

    create_action = staticmethod(customer_actions.move_customer)
    list_display = ("customer", "__str__", "starts_on")
    list_select_related = ("customer",)
    search_fields = ("customer__name_key",)
    autocomplete_fields = ("customer",)
    ordering = ("-pk",)


@admin.register(TaxIdentity, site=site)
class TaxIdentityAdmin(CustomersAdmin):
    """Tax identities, each from a day on."""

    create_action = staticmethod(customer_actions.register_for_tax)
    list_display = ("customer", "status", "tax_id", "starts_on")
    list_select_related = ("customer",)
    search_fields = ("customer__name_key",)
    autocomplete_fields = ("customer",)
    ordering = ("-pk",)


@admin.register(Contact, site=site)
class ContactAdmin(CustomersAdmin):
    """People at customers."""

    create_action = staticmethod(customer_actions.add_contact)
    list_display = ("name", "customer", "purpose", "email", "ended_on")
    list_select_related = ("customer",)
    search_fields = ("customer__name_key",)
    autocomplete_fields = ("customer",)
    ordering = ("-pk",)
    fields = ("customer", "name", "email", "phone", "purpose")
    actions = ("end",)

    @admin.action(description="End as of today", permissions=["edit"])
    def end(self, request: HttpRequest, rows: QuerySet[Contact]) -> None:
        """Stop writing to the chosen people, today being the firm's."""
        self.perform(request, partial(customer_actions.end_contact, on=_today(request)), rows)


def _today(request: HttpRequest) -> date:
    return local_day(datetime.now(UTC), cast(FirmRequest, request).tenant.time_zone)
