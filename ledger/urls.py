"""The room's pages below /ledger/."""

from __future__ import annotations

from django.urls import path

from ledger import views

app_name = "ledger"
urlpatterns = [
    path("", views.trial_balance, name="trial_balance"),
    path("trial-balance.csv", views.trial_balance_csv, name="trial_balance_csv"),
    path("entries/", views.entries, name="entries"),
    path("entries/<str:public_id>/", views.entry, name="entry"),
    path("entries/<str:public_id>/reversal/", views.reversal, name="reversal"),
]
