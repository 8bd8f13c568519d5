"""The roof: rooms are included by name, so nothing is imported."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("billing_portal.members.urls")),
    path("", include("billing_portal.portal.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("billing_portal.jobs.urls")),
    path("api/", include("billing_portal.api.urls")),
]
