"""Requests as the house's doors see them, once the middleware has been at them."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant


class HouseRequest(HttpRequest):
    """Any request: it has an id, and a firm and an actor where its path named a firm."""

    request_id: str
    tenant: Tenant | None
    actor: Actor | None
    firm_slug: str


class FirmRequest(HttpRequest):
    """A member's request to a page of a firm; the scope of the firm is open."""

    request_id: str
    tenant: Tenant
    actor: Actor


class KeyRequest(Request):
    """An API request; ``user`` is the actor behind the key, and the firm's scope is open."""

    user: Actor  # type: ignore[assignment]  # DRF expects a Django user here
