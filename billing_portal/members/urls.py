"""Where people come in. All of it lies outside the firms but the front door, which is both."""

from __future__ import annotations

from django.urls import path

from billing_portal.members import views

app_name = "members"
urlpatterns = [
    path("", views.front, name="front"),
    path("accounts/firms/", views.firms, name="firms"),
    path("accounts/email/", views.address, name="address"),  # in place of the library's page
    path("accounts/theme/", views.theme, name="theme"),
    path("accounts/invitation/<str:token>/", views.accept, name="accept"),
]
