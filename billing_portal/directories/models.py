"""A firm's directory, and which of its people is which user.

The tables are the firm's own, behind its policy. What has to be known before a scope is open (that
there is a directory, for which addresses, whether it is required) is noted on the Tenant.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing_portal.tenancy.models import PublicModel, TenantModel


class Protocol(models.TextChoices):
    """How a directory is asked, and how it answers."""

    OIDC = "OIDC", "OpenID Connect"
    SAML = "SAML", "SAML 2.0"


class Directory(PublicModel):
    """Where a firm's people sign in: proposed by one person, in force once another approved it.

    It is never edited: another is proposed, with its secret, and takes the place of this one.
    """

    ID_PREFIX: ClassVar[str] = "dir"

    class State(models.TextChoices):
        PROPOSED = "PROPOSED", "Proposed"
        ACTIVE = "ACTIVE", "In force"
        REJECTED = "REJECTED", "Rejected"
        ENDED = "ENDED", "Ended"

    protocol = models.CharField(max_length=4, choices=Protocol.choices, default=Protocol.OIDC)
    issuer = models.CharField(
        max_length=200, help_text="As the provider writes it; for SAML, its entity ID."
    )
    client_id = models.CharField(
        max_length=200, blank=True, help_text="Given to the portal by the provider."
    )
    client_secret = models.TextField(editable=False, blank=True, help_text="Encrypted.")
    sso_url = models.CharField(
        max_length=500,
        blank=True,
        verbose_name="sign-in address",
        help_text="Where the provider is asked by HTTP-Redirect.",
    )
    certificates = models.TextField(blank=True, help_text="One or two, by which it signs; PEM.")
    subject_attribute = models.CharField(
        max_length=200,
        blank=True,
        help_text="Holds each person's lasting key, if the NameID is not persistent.",
    )
    email_attribute = models.CharField(
        max_length=200,
        blank=True,
        help_text="Holds the address, if the NameID is none. "
        "Name only what people cannot change there themselves.",
    )
    domains: models.JSONField[Any, Any] = models.JSONField(
        default=list, help_text="What its people's addresses end in, such as arnesen.test."
    )
    is_required = models.BooleanField(
        default=False, help_text="Nobody enters the firm by password or passkey any more."
    )
    strong_acr = models.CharField(
        max_length=200,
        blank=True,
        help_text="The acr (SAML: the AuthnContextClassRef) that stands for a second factor. "
        "With OpenID Connect an amr of mfa does without.",
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.CharField(max_length=60, help_text="Actor, such as user:7.")
    decided_by = models.CharField(max_length=60, blank=True)
    end_proposed_by = models.CharField(max_length=60, blank=True)
    ended_by = models.CharField(max_length=60, blank=True)

    class Meta(PublicModel.Meta):
        verbose_name_plural = "directories"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="directory_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(state="PROPOSED"),
                name="directory_is_proposed_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="ACTIVE"), name="directory_in_force_is_one"
            ),
            models.CheckConstraint(
                condition=Q(state="REJECTED") | ~Q(decided_by=F("proposed_by")),
                name="directory_approver_is_not_its_proposer",
            ),
            models.CheckConstraint(
                condition=(Q(state="PROPOSED") & Q(decided_by=""))
                | (~Q(state="PROPOSED") & ~Q(decided_by="")),
                name="directory_names_who_decided",
            ),
            models.CheckConstraint(
                condition=Q(ended_by="") | ~Q(ended_by=F("end_proposed_by")),
                name="directory_is_not_ended_by_who_proposed_it",
            ),
            models.CheckConstraint(
                condition=(Q(state="ENDED") & ~Q(ended_by=""))
                | (~Q(state="ENDED") & Q(ended_by="")),
                name="directory_names_who_ended_it",
            ),
            models.CheckConstraint(
                condition=(
                    Q(protocol="OIDC", sso_url="", certificates="")
                    & Q(subject_attribute="", email_attribute="")
                    & ~Q(client_id="")
                    & ~Q(client_secret="")
                )
                | (
                    Q(protocol="SAML", client_id="", client_secret="")
                    & ~Q(sso_url="")
                    & ~Q(certificates="")
                ),
                name="directory_has_what_its_protocol_needs",
            ),
        ]

    def __str__(self) -> str:
        return self.issuer


class DirectoryIdentity(TenantModel):
    """Who in a firm's directory is which user, bound at the first sign-in by issuer and subject.

    One provider may speak both protocols, and name people differently by each: they are apart. The
    address may change there afterwards, or go to somebody else: the binding stays.
    """

    protocol = models.CharField(max_length=4, choices=Protocol.choices, default=Protocol.OIDC)
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255, help_text="The directory's own key of the person.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    bound_at = models.DateTimeField(db_default=Now())
    released_by = models.CharField(max_length=60, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "directory identities"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "protocol", "issuer", "subject"],
                condition=Q(released_by=""),
                name="directory_identity_is_one_user",
            ),
            models.UniqueConstraint(
                fields=["tenant", "protocol", "issuer", "user"],
                condition=Q(released_by=""),
                name="directory_identity_of_a_user_is_one",
            ),
            models.CheckConstraint(
                condition=~Q(subject=""), name="directory_identity_has_a_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"

    @property
    def public_id(self) -> str:
        """What the trail calls it: whom it is about."""
        public_id: str = self.user.public_id
        return public_id


class TakenAssertion(TenantModel):
    """What a SAML directory has said once, and which is not heard a second time."""

    issuer = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the assertion's own ID.")
    taken_at = models.DateTimeField(db_default=Now())

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "issuer", "digest"], name="assertion_is_taken_once"
            ),
        ]

    def __str__(self) -> str:
        return self.digest
