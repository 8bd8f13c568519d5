"""The page below /audit/."""

from __future__ import annotations

from django.urls import path

from billing_portal.audit import views

app_name = "audit"
urlpatterns = [path("", views.log, name="log")]
