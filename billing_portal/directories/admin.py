"""The back office of sign-in: proposed by one person, approved by another, never edited."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join

from billing_portal.directories import actions as deeds
from billing_portal.directories.certificates import certificates_in, fingerprint
from billing_portal.directories.forms import DirectoryForm
from billing_portal.directories.models import Directory, DirectoryIdentity, Protocol
from billing_portal.members import paths
from billing_portal.portal.office import OfficeAdmin, site
from billing_portal.portal.signatures import signed
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.requests import FirmRequest

_ATTRIBUTES = ["subject_attribute", "email_attribute"]
_SIGNED = [signed(f"{verb}_by") for verb in ("proposed", "decided", "end_proposed", "ended")]
_RELEASED_BY = signed("released_by")


def _told(request: HttpRequest) -> str:
    """Say how the firm's provider is told of the portal."""
    slug = cast(FirmRequest, request).tenant.slug
    places = [
        paths.address_outside_firms(f"directories:{name}", slug=slug)
        for name in ("metadata", "acs")
    ]
    return format_html(
        "Register the portal at the provider: its entity ID and metadata are {}, answers go to {} "
        "by POST, signed with SHA-256 or better and not encrypted.",
        *places,
    )


@admin.register(Directory, site=site)
class DirectoryAdmin(OfficeAdmin):
    """Directories; the secret is taken once and never shown."""

    form = DirectoryForm
    view_permission = "members.read"
    edit_permission = "directories.edit"
    is_grave = True
    unproven_actions = frozenset({"reject"})
    create_action = staticmethod(deeds.propose_directory)
    list_display = ("issuer", "protocol", "spoken_for", "is_required", "state")
    ordering = ("-pk",)
    actions = ("approve", "reject", "propose_end", "approve_end")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for one protocol or the other; afterwards show the one there is, and who decided."""
        agreed = ["ends" if obj is None else "spoken_for", "is_required", "strong_acr"]
        if obj is None:
            client, provider = ["client_id", "secret"], ["metadata", "sso_url", "certificates"]
            return [
                (None, {"fields": ["protocol", "issuer"]}),
                ("OpenID Connect", {"fields": client}),
                ("SAML 2.0", {"fields": [*provider, *_ATTRIBUTES], "description": _told(request)}),
                ("For whom", {"fields": agreed}),
            ]
        is_saml = obj.protocol == Protocol.SAML
        said = ["sso_url", "signs_by", *_ATTRIBUTES] if is_saml else ["client_id"]
        decided = ["state", *_SIGNED]
        return [(None, {"fields": ["protocol", "issuer", *said, *agreed, *decided]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nothing is edited: another is proposed."""
        return () if obj is None else flatten_fieldsets(self.get_fieldsets(request, obj))

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Say whether the member may approve; admin actions name it ``decide``."""
        actor: Actor = request.actor  # type: ignore[attr-defined]  # the firm's own pages have one
        return actor.may("directories.approve")

    @admin.display(description="Domains")
    def spoken_for(self, row: Directory) -> str:
        """Name the domains in a row."""
        return ", ".join(row.domains)

    @admin.display(description="Signs by")
    def signs_by(self, row: Directory) -> str:
        """Name the certificates as people compare them: fingerprint, and until when."""
        return format_html_join(
            ", ",
            "SHA-256 {}, which ends on {}",
            (
                (fingerprint(each), date_format(each.not_valid_after_utc, "F j, Y"))
                for each in certificates_in(row.certificates)
            ),
        )

    @admin.action(description="Approve", permissions=["decide"])
    def approve(self, request: HttpRequest, rows: QuerySet[Directory]) -> None:
        """Put the chosen proposal in force."""
        self.perform(request, deeds.approve_directory, rows)

    @admin.action(description="Reject", permissions=["edit"])
    def reject(self, request: HttpRequest, rows: QuerySet[Directory]) -> None:
        """Turn the chosen proposal down."""
        self.perform(request, deeds.reject_directory, rows)

    @admin.action(description="Propose to end", permissions=["edit"])
    def propose_end(self, request: HttpRequest, rows: QuerySet[Directory]) -> None:
        """Propose that people sign in by password again."""
        self.perform(request, deeds.propose_end, rows)

    @admin.action(description="Approve the end", permissions=["decide"])
    def approve_end(self, request: HttpRequest, rows: QuerySet[Directory]) -> None:
        """End the chosen directory, and the sessions it began."""
        self.perform(request, deeds.approve_end, rows)


@admin.register(DirectoryIdentity, site=site)
class DirectoryIdentityAdmin(OfficeAdmin):
    """Who in the directory is which user; released where the directory made somebody anew."""

    view_permission = "members.read"
    edit_permission = "directories.approve"
    is_grave = True
    list_display = ("user", "issuer", "subject", "bound_at", "is_released")
    list_select_related = ("user",)
    ordering = ("-pk",)
    fields = ("user", "protocol", "issuer", "subject", "bound_at", _RELEASED_BY)
    readonly_fields = (_RELEASED_BY,)
    actions = ("release",)

    @admin.display(description="Released", boolean=True)
    def is_released(self, row: DirectoryIdentity) -> bool:
        """Say whether it counts no more."""
        return bool(row.released_by)

    @admin.action(description="Release", permissions=["edit"])
    def release(self, request: HttpRequest, rows: QuerySet[DirectoryIdentity]) -> None:
        """Forget who in the directory the chosen users are."""
        self.perform(request, deeds.release_identity, rows)
