"""Firms, and what every firm's table has in common."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing_portal import ids
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.tenancy.scoped import TenantManager


class Tenant(models.Model):
    """A firm that bills. Shared: it is read before any scope is open."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    color = models.CharField(max_length=7, default="#1f5fbf")
    time_zone = models.CharField(max_length=60, default="America/New_York")
    currency = models.CharField(max_length=3, default="USD")
    locale = models.CharField(max_length=12, default="en_US")
    tax_id = models.CharField(max_length=20, blank=True, help_text="LEDES LAW_FIRM_ID.")
    address = models.TextField(blank=True, help_text="Street, as printed; city and so on follow.")
    city = models.CharField(max_length=80, blank=True)
    region = models.CharField(max_length=60, blank=True, help_text="State, province or county.")
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, default="US", help_text="ISO 3166-1, two letters.")
    email = models.EmailField(blank=True)
    remittance = models.TextField(blank=True, help_text="How to pay, printed on invoices.")
    # Of the firm's directory, what its doors must know before a scope is open; its actions keep it.
    directory = models.CharField(max_length=40, blank=True, help_text="Public id of that in force.")
    directory_domains = models.JSONField(default=list, blank=True)
    requires_directory = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(requires_directory=False) | ~Q(directory=""),
                name="tenant_requires_only_a_directory_it_has",
            ),
            models.CheckConstraint(
                condition=Q(color__regex=r"^#[0-9a-f]{6}$"), name="tenant_color_is_a_hex_color"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="tenant_currency_has_three_letters"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        """What addresses and the trail call it."""
        return self.slug


class TenantModel(models.Model):
    """A table of a firm: scoped by its manager, and by a policy in the database."""

    # Without an index of its own: every key leads with the firm, and while a table is not analyzed
    # the planner takes the shortest index, which would be this one, and reads all rows of the firm.
    tenant = models.ForeignKey(
        Tenant,
        models.PROTECT,
        related_name="+",
        default=current_tenant_id,
        editable=False,
        db_index=False,
    )

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class PublicModel(TenantModel):
    """A firm's noun that the outside may name: its ids are opaque and say what they name."""

    ID_PREFIX: ClassVar[str] = ""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta(TenantModel.Meta):
        abstract = True

    @property
    def public_id(self) -> str:
        """The id that pages, the API and events show, such as ``inv_01h…``."""
        return ids.public_id(self.ID_PREFIX, self.uid)


class TenantKey(TenantModel):
    """A firm's data key for field encryption, wrapped by a key of the installation."""

    number = models.PositiveSmallIntegerField()
    wrapped = models.BinaryField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"], name="tenant_key_number_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"Key {self.number}"
