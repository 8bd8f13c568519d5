"""Where monitoring asks."""

from __future__ import annotations

from django.urls import path

from billing_portal.operation import views

app_name = "operation"
urlpatterns = [path("metrics", views.metrics, name="metrics")]
