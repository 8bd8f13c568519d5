"""People, what they are in which firm, and the keys of internal services.

Tables here are shared, because they are read to find out whose scope to open; only what is asked
about a person within a firm is the firm's own.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Concat, Lower, Now, Substr
from django.utils.crypto import salted_hmac

from billing_portal import ids
from billing_portal.tenancy.models import PublicModel, Tenant
from billing_portal.tenancy.permissions import ROLES

_LONGEST_NAME = 120  # of an actor, beside what it did
_ROLE_CHOICES = [(role, role.capitalize()) for role in ROLES]


class Named(models.Model):
    """What people open by its address, in a table that all firms share: its id tells no number."""

    ID_PREFIX: ClassVar[str] = ""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        """The id that pages and the trail show."""
        return ids.public_id(self.ID_PREFIX, self.uid)


class UserManager(BaseUserManager["User"]):
    """Finds people by their e-mail address, stored in lower case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user who signs in with this address."""
        return self.get(email=(username or "").lower())


class User(Named, AbstractBaseUser):
    """A person; what they may do depends on the firm."""

    ID_PREFIX: ClassVar[str] = "usr"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    theme = models.CharField(
        max_length=5, blank=True, choices=[("light", "Light"), ("dark", "Dark")]
    )
    has_shortcuts = models.BooleanField(default=True)
    factors_reset_at = models.DateTimeField(
        null=True, blank=True, help_text="Sessions from before are over."
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid"], name="user_uid_is_unique"),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="user_email_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Return the name that mail and pages show."""
        return self.name

    def get_short_name(self) -> str:
        """Return the first of the names."""
        return self.name.split(" ")[0]

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Bind sessions to the last reset of second factors too, not to the password alone."""
        plain: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]  # Django's own
        if self.factors_reset_at is None:
            return plain
        at = self.factors_reset_at.isoformat()
        return salted_hmac("members.session", f"{plain}:{at}", algorithm="sha256").hexdigest()

    @property
    def is_staff(self) -> bool:
        """Whether the back office lets this user in is asked of the firm, not of the user."""
        return False

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Refuse: Django's permissions are global; the firm's membership decides."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Refuse: Django's permissions are global; the firm's membership decides."""
        return False


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Roles, of any firm: they are asked for before a scope is open."""

    def held(self) -> MembershipQuerySet:
        """Those that count: approved by a second person, and not ended."""
        return self.filter(ended_at__isnull=True).exclude(approved_by="")


_REF_OF_USER = Concat(Value("user:"), Cast("user_id", models.CharField()))


class Membership(Named):
    """One role of one user in one firm; it counts once a second person has approved it."""

    ID_PREFIX: ClassVar[str] = "mbr"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("user_id", "role", "proposed_by", "approved_by", "ended_by", "ended_at"),
    )

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=_ROLE_CHOICES)
    proposed_by = models.CharField(max_length=60, help_text="Actor, such as user:7.")
    proposed_at = models.DateTimeField(db_default=Now())
    approved_by = models.CharField(max_length=60, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=60, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid"], name="membership_uid_is_unique"),
            models.UniqueConstraint(
                fields=["tenant", "user", "role"],
                condition=Q(ended_at__isnull=True),
                name="membership_role_is_held_once",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("proposed_by")),
                name="membership_approver_is_not_its_proposer",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=_REF_OF_USER) | Q(ended_at__isnull=False),
                name="membership_approver_is_not_its_holder",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()} at {self.tenant}"


class Invitation(Named):
    """A way into a firm for somebody who is not yet a member; the mail carries the token."""

    ID_PREFIX: ClassVar[str] = "ivt"

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    email = models.EmailField()
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=10, choices=_ROLE_CHOICES)
    token_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256; empty until sent.")
    invited_by = models.CharField(max_length=60)
    invited_at = models.DateTimeField(db_default=Now())
    approved_by = models.CharField(max_length=60, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=60, blank=True, help_text="Or who declined it.")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid"], name="invitation_uid_is_unique"),
            models.CheckConstraint(
                condition=~Q(approved_by=F("invited_by")),
                name="invitation_approver_is_not_its_inviter",
            ),
            models.CheckConstraint(
                condition=Q(token_hash="") | ~Q(approved_by=""),
                name="invitation_is_sent_once_approved",
            ),
            models.UniqueConstraint(
                fields=["token_hash"],
                condition=~Q(token_hash=""),
                name="invitation_token_is_unique",
            ),
            models.UniqueConstraint(
                fields=["tenant", "email", "role"],
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_is_open_once",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="invitation_is_accepted_or_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys, of any firm: they are asked for before a scope is open."""

    def named(self) -> ApiKeyQuerySet:
        """Add ``holder_name``, of the person who asked for the key; nothing for the operator."""
        number = Cast(Substr("requested_by", len("user:") + 1), models.BigIntegerField())
        asked = self.annotate(
            holder_id=Case(When(requested_by__startswith="user:", then=number), default=None)
        )
        holder = User.objects.filter(pk=OuterRef("holder_id"))
        return asked.annotate(holder_name=Subquery(holder.values("name")))


class ApiKey(Named):
    """A key of an internal service: shown once, stored as a hash, used once approved."""

    ID_PREFIX: ClassVar[str] = "key"
    IS_SUBJECT: ClassVar[bool] = True
    RECORDED: ClassVar[tuple[str, ...]] = (
        *("name", "prefix", "secret_hash", "scopes", "allowed_networks", "requested_by"),
        *("approved_by", "expires_at", "revoked_by", "revoked_at", "succeeds_id"),
    )

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64, help_text="SHA-256 of 256 random bits.")
    scopes = models.JSONField(default=list, help_text="Permissions; empty means the whole role.")
    allowed_networks = models.JSONField(default=list, help_text="CIDRs; empty means any.")
    requested_by = models.CharField(max_length=60)
    requested_at = models.DateTimeField(db_default=Now())
    approved_by = models.CharField(max_length=60, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=60, blank=True, help_text="Or who declined it.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    succeeds = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="successors",
        help_text="Whose place it takes; both work until the older one is revoked or expires.",
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid"], name="api_key_uid_is_unique"),
            models.CheckConstraint(
                condition=~Q(approved_by=F("requested_by")),
                name="api_key_approver_is_not_its_requester",
            ),
            models.UniqueConstraint(
                fields=["succeeds"],
                condition=Q(revoked_at__isnull=True),
                name="api_key_has_one_successor",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def spoken_name(self) -> str:
        """How its deeds are signed: by which key, and whose; needs ``named()``."""
        holder = getattr(self, "holder_name", None) or "the operator"
        return f"key {self.name}, held by {holder}"[:_LONGEST_NAME]


class InstallationKey(models.Model):
    """A data key for what belongs to people and not to a firm, wrapped by one of FIELD_KEYS."""

    number = models.PositiveSmallIntegerField(unique=True)
    wrapped = models.BinaryField()

    def __str__(self) -> str:
        return f"Key {self.number}"


class Letter(models.Model):
    """A mail of the foundations on its way, encrypted; it is gone once the server has taken it.

    The firm is the one whose jobs carry it: a job names a letter by its number and nothing else.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    about = models.CharField(max_length=60, blank=True, help_text="Such as invitation:7.")
    sealed = models.TextField(blank=True, help_text="Recipient and text; emptied when refused.")
    message_id = models.CharField(max_length=120, unique=True)
    written_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    refused_at = models.DateTimeField(null=True, blank=True)
    error_text = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "about"], name="letter_about")]
        constraints = [
            models.CheckConstraint(
                condition=Q(refused_at__isnull=True) | Q(sealed=""),
                name="letter_that_was_refused_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"Letter {self.message_id}"


class FactorReset(PublicModel):
    """A wish to take a member's lost second factors away; another person approves it."""

    ID_PREFIX: ClassVar[str] = "rst"

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    asked_by = models.CharField(max_length=60, help_text="Actor, such as user:7.")
    asked_at = models.DateTimeField(db_default=Now())
    approved_by = models.CharField(max_length=60, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=60, blank=True, help_text="Who declined it.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(PublicModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="factor_reset_uid_is_unique"),
            models.CheckConstraint(
                condition=~Q(approved_by=F("asked_by")),
                name="factor_reset_approver_is_not_its_asker",
            ),
            models.CheckConstraint(
                condition=~Q(asked_by=_REF_OF_USER) & ~Q(approved_by=_REF_OF_USER),
                name="factor_reset_is_of_another_person",
            ),
            models.UniqueConstraint(
                fields=["tenant", "user"],
                condition=Q(approved_by="", ended_at__isnull=True),
                name="factor_reset_is_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Reset of the second factor of {self.user}"
