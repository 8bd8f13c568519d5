"""The portal's own pages."""

from __future__ import annotations

from django.urls import path

from billing_portal.portal import views

app_name = "portal"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("search/", views.search, name="search"),
    path("_ui/", views.gallery_page, name="gallery"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
