"""A URL configuration with nothing in it: what a stranger to a firm can reach."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
