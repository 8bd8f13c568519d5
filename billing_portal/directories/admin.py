"""The back office of sign-in: proposed by one person, approved by another, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing_portal.directories import actions as deeds
from billing_portal.directories.forms import DirectoryForm
from billing_portal.directories.models import Directory, DirectoryIdentity
from billing_portal.portal.office import OfficeAdmin, site
from billing_portal.tenancy.actors import Actor


@admin.register(Directory, site=site)
class DirectoryAdmin(OfficeAdmin):
    """Directories; the secret is taken once and never shown."""

    form = DirectoryForm
    view_permission = "members.read"
    edit_permission = "directories.edit"
    is_grave = True
    create_action = staticmethod(deeds.propose_directory)
    list_display = ("issuer", "client_id", "spoken_for", "is_required", "state", "proposed_by")
    ordering = ("-pk",)
    actions = ("approve", "reject", "propose_end", "approve_end")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Take the secret once; afterwards show who decided."""
        said = ["issuer", "client_id"]
        if obj is None:
            return [*said, "secret", "ends", "is_required", "strong_acr"]
        decided = ["state", "proposed_by", "decided_by", "end_proposed_by", "ended_by"]
        return [*said, "spoken_for", "is_required", "strong_acr", *decided]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nothing is edited: another is proposed."""
        return () if obj is None else self.get_fields(request, obj)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Say whether the member may approve; admin actions name it ``decide``."""
        actor: Actor = request.actor  # type: ignore[attr-defined]  # the firm's own pages have one
        return actor.may("directories.approve")

    @admin.display(description="Domains")
    def spoken_for(self, row: Directory) -> str:
        """Name the domains in a row."""
        return ", ".join(row.domains)

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
    list_display = ("user", "issuer", "subject", "bound_at", "released_by")
    list_select_related = ("user",)
    ordering = ("-pk",)
    fields = ("user", "issuer", "subject", "bound_at", "released_by")
    actions = ("release",)

    @admin.action(description="Release", permissions=["edit"])
    def release(self, request: HttpRequest, rows: QuerySet[DirectoryIdentity]) -> None:
        """Forget who in the directory the chosen users are."""
        self.perform(request, deeds.release_identity, rows)
