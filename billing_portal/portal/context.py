"""What every page's frame shows, without a query of its own but those the tiles ask for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return firm, actor, navigation and theme for the frame of a page."""
    tenant, actor = getattr(request, "tenant", None), getattr(request, "actor", None)
    user = getattr(request, "user", None)
    band = "" if settings.IS_PRODUCTION else f"{settings.ENVIRONMENT.capitalize()} installation"
    return {
        "firm": tenant if actor else None,
        "actor": _actor(actor),
        "nav": _navigation(request, actor) if actor else [],
        "search_url": reverse("portal:search") if actor else "",
        "keys_off": bool(user and not getattr(user, "has_shortcuts", True)),
        "theme": getattr(user, "theme", ""),
        "environment_band": band,
    }


def _actor(actor: Any) -> dict[str, str] | None:
    if actor is None:
        return None
    initials = "".join(part[0] for part in actor.name.split()[:2]).upper()
    return {"name": actor.name, "initials": initials, "role": ", ".join(actor.roles).capitalize()}


def _navigation(request: HttpRequest, actor: Any) -> list[dict[str, Any]]:
    """Return the entries that the actor may open; settings name them, rooms offer their URLs."""
    entries, home = [], reverse("portal:inbox")
    for letter, label, icon, url_name, permission in settings.NAVIGATION:
        if permission and not actor.may(permission):
            continue
        url = reverse(url_name)
        is_current = request.path == url or (url != home and request.path.startswith(url))
        entries.append(
            {"label": label, "icon": icon, "url": url, "current": is_current, "letter": letter}
        )
    return entries
