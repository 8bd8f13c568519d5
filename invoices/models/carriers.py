"""Carriers, how their sites are used, and the files on their way there."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing_portal import ids
from billing_portal.tenancy.fields import TenantForeignKey
from billing_portal.tenancy.models import PublicModel, TenantModel
from invoices.models.documents import Document
from invoices.models.invoices import Invoice


class Carrier(PublicModel):
    """An insurer or e-billing site that takes LEDES files."""

    ID_PREFIX: ClassVar[str] = "car"

    code = models.CharField(max_length=40, help_text="As customers and matters name it.")
    name = models.CharField(max_length=120)
    origin = models.CharField(max_length=200, help_text="Scheme, host and port of its site.")
    profile = models.JSONField(default=dict, blank=True, help_text="Its LEDES rules.")
    automation_allowed_by = models.CharField(
        max_length=60, blank=True, help_text="Who confirmed that automated sign-in is allowed."
    )
    stopped_reason = models.CharField(
        max_length=300, blank=True, help_text="Why nothing is uploaded now; empty: it is."
    )
    refused_login = TenantForeignKey(
        "CarrierLogin",
        null=True,
        editable=False,
        db_index=False,
        help_text="The login it did not take; it is not tried again.",
    )
    version = models.PositiveIntegerField(default=1)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="carrier_uid_is_unique"),
            models.UniqueConstraint(fields=["tenant", "code"], name="carrier_code_is_unique"),
            models.CheckConstraint(condition=~Q(code=""), name="carrier_code_is_given"),
        ]

    def __str__(self) -> str:
        return self.name


class CarrierRecipe(TenantModel):
    """The steps of a browser on a carrier's site; the newest version counts."""

    carrier = TenantForeignKey(Carrier)
    version = models.PositiveIntegerField()
    content = models.JSONField()
    added_by = models.CharField(max_length=60)
    added_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "carrier", "version"], name="carrier_recipe_version_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"Recipe {self.version}"


class CarrierLogin(PublicModel):
    """The firm's user and password at a carrier, encrypted for this very row; the newest counts."""

    ID_PREFIX: ClassVar[str] = "clg"

    carrier = TenantForeignKey(Carrier)
    user_name = models.TextField(editable=False, help_text="Encrypted.")
    password = models.TextField(editable=False, help_text="Encrypted.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    expires_on = models.DateField(null=True, blank=True)
    origin = models.CharField(
        max_length=200, editable=False, help_text="The site it was given for, and no other."
    )
    added_at = models.DateTimeField(db_default=Now())

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="carrier_login_uid_is_unique"),
        ]
        indexes = [models.Index(fields=["tenant", "carrier", "-id"], name="carrier_login_newest")]

    def __str__(self) -> str:
        return f"Login given on {self.added_at:%Y-%m-%d}"


class Submission(PublicModel):
    """A LEDES file on its way to a carrier."""

    ID_PREFIX: ClassVar[str] = "sub"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("invoice_id", "document_id", "carrier_id", "recipe_id", "number", "sha256", "state"),
        *("carrier_status", "reference", "code", "reason", "attempts", "was_handed_over"),
        *("answered_at", "version"),
    )

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Queued"
        UPLOADING = "UPLOADING", "Uploading"
        UNSURE = "UNSURE", "Unsure"
        CONFIRMED = "CONFIRMED", "Confirmed"
        REJECTED = "REJECTED", "Rejected"
        NEEDS_PERSON = "NEEDS_PERSON", "Needs a person"
        CANCELED = "CANCELED", "Canceled"

    invoice = TenantForeignKey(Invoice)
    document = TenantForeignKey(Document)
    carrier = TenantForeignKey(Carrier)
    recipe = TenantForeignKey(CarrierRecipe, null=True)
    number = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    carrier_status = models.CharField(max_length=24, blank=True, help_text="The carrier's word.")
    reference = models.CharField(max_length=60, blank=True, help_text="The carrier's number.")
    sha256 = models.CharField(max_length=64)
    attempts = models.PositiveSmallIntegerField(default=0)
    was_handed_over = models.BooleanField(
        default=False, help_text="Some attempt may have handed the file over: look first."
    )
    code = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    queued_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="submission_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "invoice", "number"], name="submission_number_is_unique"
            ),
            models.UniqueConstraint(
                fields=["tenant", "invoice"],
                condition=~Q(state__in=["REJECTED", "CANCELED"]),
                name="submission_is_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="CONFIRMED") | (~Q(reference="") & Q(answered_at__isnull=False)),
                name="submission_is_confirmed_by_a_reference",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], name="submission_page"),
            models.Index(fields=["tenant", "state", "-id"], name="submission_by_state"),
        ]

    def __str__(self) -> str:
        return f"Upload {ids.spoken(self.uid)}"


class Evidence(TenantModel):
    """What a browser saw on a carrier's site: screenshots and page texts, kept by their hash."""

    RECORDED: ClassVar[tuple[str, ...]] = (
        *("submission_id", "attempt", "position", "kind", "step", "name", "sha256", "size"),
    )

    class Kind(models.TextChoices):
        SCREENSHOT = "SCREENSHOT", "Screenshot"
        PAGE_TEXT = "PAGE_TEXT", "Page text"

    submission = TenantForeignKey(Submission)
    attempt = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    step = models.CharField(max_length=120)
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    taken_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "submission", "attempt", "position"],
                name="evidence_has_its_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.step}"
