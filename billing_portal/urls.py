"""The roof: rooms are included by name, so nothing is imported."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from billing_portal.portal import office

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("billing_portal.members.urls")),
    path("accounts/sso/", include("billing_portal.directories.urls")),
    path("", include("billing_portal.portal.urls")),
    path("", include("billing_portal.operation.urls")),
    path("", include("billing_portal.members.page_urls")),
    path("audit/", include("billing_portal.audit.urls")),
    path("jobs/", include("billing_portal.jobs.page_urls")),
    path("imports/", include("billing_portal.imports.page_urls")),
    path("ledger/", include("ledger.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("billing_portal.jobs.urls")),
    path("api/v1/", include("billing_portal.imports.urls")),
    path("api/v1/", include("customers.urls")),
    path("api/v1/", include("invoices.urls")),
    path("api/v1/", include("dunning.urls")),
    path("", include("invoices.views.urls")),
    path("", include("dunning.views.urls")),
    path("admin/", office.site.urls),
    path("api/", include("billing_portal.api.urls")),
]
