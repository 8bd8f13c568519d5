"""Sign-in by a firm's directory; all of it lies outside the firms."""

from __future__ import annotations

from django.urls import path

from billing_portal.directories import views

app_name = "directories"
urlpatterns = [
    path("", views.choose, name="choose"),
    path("<slug:slug>/", views.start, name="start"),
    path("<slug:slug>/callback/", views.callback, name="callback"),
    path("<slug:slug>/acs/", views.consume, name="acs"),
    path("<slug:slug>/metadata/", views.metadata, name="metadata"),
]
