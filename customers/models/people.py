"""Who is billed, where they are, and what the tax office calls them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from billing_portal.tenancy.scoped import TenantQuerySet, manager_of

# Kept in migrations only; what forms offer and the API takes is billing_portal.money's to say.
_OFFERED = "USD EUR GBP CHF CAD AUD NZD JPY SEK NOK DKK PLN"
CURRENCIES = [(code, code) for code in _OFFERED.split()]


def lookup_key(text: str) -> str:
    """Return how a name or an outside id is looked up: lower case, single spaces.

    Stored beside the text as given, because under row-level security only comparisons of plain
    columns use an index.
    """
    return " ".join(text.split()).lower()


class CustomerQuerySet(TenantQuerySet["Customer"]):
    """Customers of the firm."""

    def active(self) -> CustomerQuerySet:
        """Those that may be billed for new work."""
        return self.filter(state=Customer.State.ACTIVE)


class Customer(PublicModel):
    """Who is billed: an insurer, a company, a traveler.

    Addresses and tax identities have days on which they start; they are rows of their own.
    """

    ID_PREFIX = "cus"

    class State(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        CLOSED = "CLOSED", "Closed"

    external_id = models.CharField(max_length=60, help_text="As the firm's own system names it.")
    external_key = models.CharField(max_length=60, editable=False, db_collation="C")
    name = models.CharField(max_length=120)
    name_key = models.CharField(max_length=120, editable=False, db_collation="C")
    legal_name = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3, help_text="ISO 4217; fixed once opened.")
    time_zone = models.CharField(max_length=60, default="America/New_York")
    invoice_email = models.EmailField(blank=True)
    sends_pdf = models.BooleanField("mails a PDF", default=True)
    uploads_ledes = models.BooleanField("uploads LEDES", default=False)
    carrier_code = models.CharField(
        max_length=40, blank=True, help_text="The carrier that takes its LEDES files."
    )
    ledes_client_id = models.CharField(
        "LEDES client id", max_length=20, blank=True, help_text="CLIENT_ID of its LEDES files."
    )
    payment_terms_days = models.PositiveSmallIntegerField(default=30)
    state = models.CharField(max_length=6, choices=State.choices, default=State.ACTIVE)
    version = models.PositiveIntegerField(default=1)

    objects = manager_of(CustomerQuerySet)()  # type: ignore[django-manager-missing, misc]  # made at run time

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="customer_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "external_key"], name="customer_external_id_is_unique"
            ),
            models.CheckConstraint(
                condition=~Q(external_key=""), name="customer_external_id_is_given"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="customer_currency_has_three_letters",
            ),
            models.CheckConstraint(
                condition=Q(payment_terms_days__lte=365), name="customer_terms_end_within_a_year"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "name_key", "id"], name="customer_by_name")]

    def __str__(self) -> str:
        return self.name


class Address(TenantModel):
    """Where a customer is from a day on; the newest row that has started holds."""

    customer = TenantForeignKey(Customer)
    starts_on = models.DateField()
    line_1 = models.CharField(max_length=120)
    line_2 = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80)
    region = models.CharField(max_length=60, blank=True, help_text="State, province or county.")
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, default="US", help_text="ISO 3166-1, two letters.")

    class Meta(TenantModel.Meta):
        verbose_name_plural = "addresses"
        constraints = [
            models.CheckConstraint(
                condition=Q(country__regex=r"^[A-Z]{2}$"), name="address_country_has_two_letters"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "starts_on"], name="address_in_force")
        ]

    def __str__(self) -> str:
        return ", ".join(part for part in (self.line_1, self.city, self.region) if part)


class TaxIdentity(TenantModel):
    """What a customer is to the tax office from a day on; the newest row that has started holds."""

    class Status(models.TextChoices):
        TAXABLE = "TAXABLE", "Taxable"
        EXEMPT = "EXEMPT", "Exempt"
        REVERSE_CHARGE = "REVERSE_CHARGE", "Reverse charge"

    customer = TenantForeignKey(Customer)
    starts_on = models.DateField()
    tax_id = models.CharField(max_length=30, blank=True)
    status = models.CharField(max_length=14, choices=Status.choices, default=Status.TAXABLE)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "tax identities"
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="REVERSE_CHARGE") | ~Q(tax_id=""),
                name="tax_identity_of_reverse_charge_has_an_id",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "starts_on"], name="tax_identity_in_force")
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.tax_id}".strip()


class Contact(TenantModel):
    """A person at a customer."""

    class Purpose(models.TextChoices):
        BILLING = "BILLING", "Billing"
        CLAIMS = "CLAIMS", "Claims"
        REMINDERS = "REMINDERS", "Reminders"
        OTHER = "OTHER", "Other"

    customer = TenantForeignKey(Customer)
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    purpose = models.CharField(max_length=9, choices=Purpose.choices, default=Purpose.BILLING)
    ended_on = models.DateField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "customer"], name="contact_of_customer")]

    def __str__(self) -> str:
        return self.name
