"""Pages that belong to no room: the inbox, search, the gallery of components, and the probes."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from billing_portal.portal import gallery
from billing_portal.tenancy.guards import privileges
from billing_portal.tenancy.laws import ISOLATION, broken_laws
from billing_portal.tenancy.requests import FirmRequest

_SHORTEST_SEARCH = 2


@require_safe
def inbox(request: FirmRequest) -> HttpResponse:
    """Show what waits for this person, most urgent first. One query or two a provider."""
    found = (import_string(name)(request.actor) for name in settings.INBOX_PROVIDERS)
    items = sorted(chain.from_iterable(found), key=lambda item: item.order)
    return render(request, "portal/inbox.html", {"items": items})


@require_safe
def search(request: FirmRequest) -> HttpResponse:
    """Find things by number, name or id, exact ids first."""
    text = request.GET.get("q", "").strip()
    groups: list[Any] = []
    if len(text) >= _SHORTEST_SEARCH:
        found = (import_string(name)(request.actor, text) for name in settings.SEARCH_PROVIDERS)
        groups = [group for group in found if group.hits]
    return render(request, "portal/search.html", {"q": text, "groups": groups})


@require_safe
def gallery_page(request: HttpRequest) -> HttpResponse:
    """Show every part and screen with sample data; in development only."""
    if settings.IS_PRODUCTION:
        raise Http404
    return render(request, "portal/gallery.html", gallery.context())


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the process answers; touches nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether requests can be served: database, migrations, policies, an unprivileged role."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    problems = [
        *(f"migration {migration} is not applied" for migration, _ in waiting),
        *broken_laws(ISOLATION),
        *(f"the database role {words}" for words in privileges()),
    ]
    answer = {"status": "unready" if problems else "ok", "problems": problems}
    return JsonResponse(answer, status=503 if problems else 200)
