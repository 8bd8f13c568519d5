"""The description of the API and its viewer; both are open, and ask nobody outside."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from billing_portal.api.docs import Docs, problems

app_name = "api"
urlpatterns = [
    path(
        "schema",
        SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[]),
        name="schema",
    ),
    path("docs", Docs.as_view(permission_classes=[], authentication_classes=[]), name="docs"),
    path("docs/problems", problems, name="problems"),
]
