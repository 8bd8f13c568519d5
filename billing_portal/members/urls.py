"""Where people come in. All of it lies outside the firms but the front door, which is both."""

from __future__ import annotations

from django.urls import path

from billing_portal.members.views import entrance

app_name = "members"
urlpatterns = [
    path("", entrance.front, name="front"),
    path("accounts/firms/", entrance.firms, name="firms"),
    path("accounts/email/", entrance.address, name="address"),  # in place of the library's page
    path("accounts/theme/", entrance.theme, name="theme"),
    path("accounts/invitation/<str:token>/", entrance.accept, name="accept"),
]
