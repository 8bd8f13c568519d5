"""Carriers in the back office: their sites, recipes and logins, and a person's word for each."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing_portal.portal.office import OfficeAdmin, site
from billing_portal.portal.signatures import signed
from billing_portal.tenancy.actors import Actor
from invoices.actions import carriers as deeds
from invoices.actions.waiting import start_carrier
from invoices.forms import carriers as forms
from invoices.models import Carrier, CarrierLogin, CarrierRecipe

_ALLOWED_BY = signed("automation_allowed_by")


class CarriersAdmin(OfficeAdmin):
    """What the nouns share: who reads and who edits."""

    view_permission = "uploads.read"
    edit_permission = "carriers.edit"
    is_grave = True  # a site, a recipe and a login together say where a password is typed


@admin.register(Carrier, site=site)
class CarrierAdmin(CarriersAdmin):
    """Carriers; a person confirms that automated sign-in is allowed there."""

    form = forms.CarrierForm
    create_action = staticmethod(deeds.add_carrier)
    change_action = staticmethod(deeds.change_carrier)
    list_display = ("name", "code", "origin", "is_automated", "stopped_reason")
    ordering = ("name", "pk")
    search_fields: ClassVar = ("code",)
    actions = ("allow", "stop")
    unproven_actions = frozenset({"stop"})
    readonly_fields = (_ALLOWED_BY, "stopped_reason")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fix the code once customers may name it."""
        if obj is None:
            return ["code", "name", "origin", "profile"]
        return [
            *("name", "origin", "profile", _ALLOWED_BY, "stopped_reason"),
            "version",
        ]

    @admin.display(description="Automated", boolean=True)
    def is_automated(self, row: Carrier) -> bool:
        """Say whether somebody confirmed that automated sign-in is allowed."""
        return bool(row.automation_allowed_by)

    @admin.action(description="Allow automation, and start uploading", permissions=["edit"])
    def allow(self, request: HttpRequest, rows: QuerySet[Carrier]) -> None:
        """Confirm for the chosen carriers that automated sign-in is allowed."""
        self.perform(request, start_carrier, rows)

    @admin.action(description="Stop uploading", permissions=["edit"])
    def stop(self, request: HttpRequest, rows: QuerySet[Carrier]) -> None:
        """Upload nothing to the chosen carriers until somebody allows it again."""

        def deed(row: Carrier, *, by: Actor) -> None:
            deeds.stop_carrier(row, reason=f"Stopped by {by.name}.", by=by)

        self.perform(request, deed, rows)


@admin.register(CarrierRecipe, site=site)
class CarrierRecipeAdmin(CarriersAdmin):
    """Recipes; each is a new version, and the newest counts."""

    form = forms.RecipeForm
    create_action = staticmethod(deeds.add_recipe)
    list_display = ("carrier", "version", "added_at")
    list_select_related = ("carrier",)
    ordering = ("-pk",)
    fields = ("carrier", "content")


@admin.register(CarrierLogin, site=site)
class CarrierLoginAdmin(CarriersAdmin):
    """Logins; user and password are taken once and never shown."""

    form = forms.LoginForm
    create_action = staticmethod(deeds.add_login)
    list_display = ("carrier", "owner", "expires_on", "added_at")
    list_select_related = ("carrier", "owner")
    ordering = ("-pk",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Take user and password once; afterwards show whose login it is."""
        said = ["carrier", "owner", "expires_on"]
        return [*said, "user", "secret"] if obj is None else said
