"""The back office: Django's own admin as a window of one firm, with handles that are actions.

Three facts differ from the admin's habits. The firm's membership decides who enters and edits, not
Django's global permissions. Nothing is saved but by an action, and what the action refuses is shown
on the form with the input kept. The admin's own log is never written; the audit trail is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, ClassVar, cast, final

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import models, transaction
from django.db.models import Q
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, get_script_prefix, reverse
from django.utils.text import capfirst

from billing_portal.errors import Refused
from billing_portal.portal.beginnings import begins
from billing_portal.portal.details import read
from billing_portal.portal.office_keys import with_covered_key
from billing_portal.portal.office_lists import CappedPaginator, OfficeSelect
from billing_portal.portal.proving import prove_first, way_to_prove
from billing_portal.portal.templatetags.portal import NOTHING
from billing_portal.tenancy.actors import Actor, MissingPermission
from billing_portal.tenancy.models import TenantModel
from billing_portal.tenancy.requests import FirmRequest

_NOT_OURS = {"login", "logout", "password_change", "password_change_done", "view_on_site"}
_HISTORY_PAGE = 100


class OfficeSite(admin.AdminSite):
    """The admin of the firm in the path; signing in and out is the front door's business."""

    site_title = "Back office"
    index_title = "Back office"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in who may enter the firm's back office."""
        actor = getattr(request, "actor", None)
        return actor is not None and actor.may("admin.enter")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 -- Django's
        """Answer 403, not a sign-in page, to a member who may not enter.

        :raises PermissionDenied: in words that name the permission.
        """
        guarded = super().admin_view(view, cacheable)

        @functools.wraps(view)
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                raise PermissionDenied(str(MissingPermission("admin.enter")))
            answer: HttpResponse = guarded(request, *args, **kwargs)
            return answer

        return inside

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Leave out the admin's own pages of signing in, and its way to other sites."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in _NOT_OURS]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Head every page by the firm's name and lead back to its portal."""
        context: dict[str, Any] = super().each_context(request)
        firm = cast(FirmRequest, request).tenant
        return {**context, "site_header": firm.name, "site_url": get_script_prefix()}


class OfficeForm(forms.ModelForm):
    """A form over a scoped model: it types values and leaves every rule to the action.

    It has no ``Meta.model``: the admin gives it one in each request, inside the firm's scope, where
    the choices of keys can be looked up. Choices of its own fields are set in ``__init__``.
    """

    refusal: ClassVar[str] = ""

    def clean(self) -> dict[str, Any]:
        """Show what the action refused, if it did."""
        if self.refusal:
            self.add_error(None, self.refusal)
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        """Return what goes to the action, by the names of its parameters."""
        return dict(self.cleaned_data)

    def validate_unique(self) -> None:
        """Leave it to the action, which says it in words."""

    def validate_constraints(self) -> None:
        """Leave it to the action, which says it in words."""


class VersionedForm(OfficeForm):
    """A form that remembers which version was shown."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def values(self) -> dict[str, Any]:
        """Name the version as actions do."""
        values = super().values()
        seen = values.pop("version", None)
        return values if self.instance.pk is None else {**values, "version_seen": seen or 0}


class OfficeAdmin(admin.ModelAdmin):
    """One noun in the back office, read by one permission and edited, through actions, by another.

    ``create_action(**values, by=…)`` and ``change_action(subject, **values, by=…)`` are given as
    static methods; without one there is no such button. Nothing is ever deleted.

    :cvar is_grave: who writes here has proven lately that it is they.
    :cvar unproven_actions: those that only stop or turn down, and so need no proof even here.
    """

    view_permission: ClassVar[str] = ""
    edit_permission: ClassVar[str] = ""
    is_grave: ClassVar[bool] = False
    unproven_actions: ClassVar[frozenset[str]] = frozenset()
    create_action: ClassVar[Callable[..., models.Model] | None] = None
    change_action: ClassVar[Callable[..., models.Model] | None] = None

    form = OfficeForm
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    view_on_site = False
    show_facets = admin.ShowFacets.NEVER
    empty_value_display = NOTHING
    formfield_overrides: ClassVar = {
        models.DateField: {
            "widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        },
    }
    object_history_template = "portal/office_history.html"

    # --- Who may ---------------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the room to who may read any of it."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let who holds ``view_permission`` read."""
        return _actor(request).may(self.view_permission)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let who holds ``edit_permission`` add, where there is an action for it."""
        return self.create_action is not None and self.has_edit_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let who holds ``edit_permission`` change, where there is an action for it."""
        return self.change_action is not None and self.has_edit_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a firm's rows end, they are never removed."""
        return False

    def has_edit_permission(self, request: HttpRequest) -> bool:
        """Say whether the member holds ``edit_permission``; admin actions name it ``edit``."""
        return bool(self.edit_permission) and _actor(request).may(self.edit_permission)

    def get_urls(self) -> list[URLPattern]:
        """Name rows by covered keys."""
        return [with_covered_key(url) for url in super().get_urls()]

    # --- Writing, through actions only -----------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or process a form; what the action refuses becomes an error on it.

        The refused deed has been rolled back when the form is shown again, with status 422.
        """
        if request.method == "GET" and request.path.endswith(f"/{object_id}/change/"):
            return self._at_covered_key(request, object_id)
        if self._asks_for_proof(request) and (way := prove_first(request)):
            return way
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except MissingPermission as refusal:
            raise PermissionDenied(str(refusal)) from refusal
        except Refused as refusal:
            request.refusal = str(refusal)  # type: ignore[attr-defined]  # read by get_form
            page = super().changeform_view(request, object_id, form_url, extra_context)
            page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
            return page

    def _at_covered_key(self, request: HttpRequest, key: str | None) -> HttpResponse:
        """Lead from a bare number to the address that everybody may see.

        :raises Http404: when the firm has no such row.
        """
        self.get_object(request, str(key))
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        query = request.META["QUERY_STRING"]
        return HttpResponseRedirect(f"{reverse(name, args=[key])}{'?' if query else ''}{query}")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the rows, or do what was chosen for some of them."""
        chosen = set(cast(FirmRequest, request).POST.getlist("action"))
        is_unproven = bool(chosen) and chosen <= self.unproven_actions
        if not is_unproven and self._asks_for_proof(request) and (way := prove_first(request)):
            return way
        named = {"title": capfirst(str(self.opts.verbose_name_plural))}
        try:
            return super().changelist_view(request, {**named, **(extra_context or {})})
        except DisallowedModelAdminLookup:
            return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)

    def _asks_for_proof(self, request: HttpRequest) -> bool:
        """Say whether what the member could do here is grave; who can do nothing hears that."""
        can_write = self.has_add_permission(request) or self.has_change_permission(request)
        return self.is_grave and (can_write or bool(self.get_actions(request)))

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 -- Django's
        **kwargs: Any,
    ) -> Any:
        """Return the form's class, made for this request."""
        made: Any = super().get_form(request, obj, change, **kwargs)
        made.refusal = getattr(request, "refusal", "")
        return made

    @final
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's
        """Call the action; ``obj`` then shows what it wrote.

        :raises Refused: as the action does; ``changeform_view`` shows it.
        """
        actor, values = _actor(request), form.values()
        deed: Any = self.change_action if change else self.create_action
        written = deed(obj, **values, by=actor) if change else deed(**values, by=actor)
        obj.pk = written.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Refuse: nothing is deleted here.

        :raises PermissionDenied: always.
        """
        raise PermissionDenied

    def perform(
        self, request: HttpRequest, deed: Callable[..., Any], rows: Iterable[models.Model]
    ) -> int:
        """Do one thing to each chosen row, each by itself, and say how it went.

        What is refused is shown and leaves the others alone. Returns how many were done.
        """
        done = 0
        for row in rows:
            try:
                with transaction.atomic():
                    deed(row, by=_actor(request))
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.ERROR)
            else:
                done += 1
        if done:
            self.message_user(request, f"{done} done.", messages.SUCCESS)
        return done

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest | None, **kwargs: Any
    ) -> ModelChoiceField | None:
        """Offer a firm's own rows; of shared tables nothing, until the form says what.

        :raises ImproperlyConfigured: outside a request, where there is no scope.
        """
        if request is None:
            raise ImproperlyConfigured("Forms of the back office are made in a request.")
        if not issubclass(db_field.related_model, TenantModel):
            kwargs.setdefault("queryset", db_field.related_model._default_manager.none())
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", OfficeSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # --- Reading ---------------------------------------------------------------------------------

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let a list be narrowed by what it offers: others would ask the database anything."""
        offered = self.get_list_filter(request)
        return any(lookup in {f"{name}__exact", f"{name}__isnull"} for name in offered)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """Find rows whose lowered columns begin with the words: a range, which indexes can answer.

        ``search_fields`` name such columns (lower case, collation "C").
        """
        key = " ".join(search_term.split()).lower()
        if not key:
            return queryset, False
        found = Q()
        for column in self.get_search_fields(request):
            found |= begins(column, key)
        return queryset.filter(found), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return a row, or answer 404, also for another firm's."""
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404
        return row

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Offer the history to who may read the audit log; say early that saving is grave."""
        if context["original"] is not None:
            context |= {"title": str(context["original"]), "subtitle": ""}
        context["can_read_history"] = _actor(request).may("audit.read")
        may_save = self.has_change_permission if kwargs.get("change") else self.has_add_permission
        context["proof_url"] = way_to_prove(request) if self.is_grave and may_save(request) else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show who did what to the row, newest first, at most 100 deeds.

        Six queries and one a kind of noun.
        """
        row = self.get_object(request, object_id)
        if not (self.has_view_permission(request, row) and _actor(request).may("audit.read")):
            raise PermissionDenied(str(MissingPermission("audit.read")))
        events = apps.get_model("audit", "AuditEvent").objects.filter(
            subject_kind=row._meta.model_name,
            subject_id=getattr(row, "public_id", ""),  # an address is told of with its customer
        )
        newest = list(events.order_by("-pk")[:_HISTORY_PAGE])
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "told": list(zip(newest, read(newest, _actor(request))[0], strict=True)),
            "module_name": capfirst(str(self.opts.verbose_name_plural)),
            "object": row,
            "opts": self.opts,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.object_history_template, context)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing: the action wrote the audit trail."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing: the action wrote the audit trail."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Write nothing: nothing is deleted."""


def _actor(request: HttpRequest) -> Actor:
    return cast(FirmRequest, request).actor


site = OfficeSite(name="admin")
