"""The room's pages below /ledger/."""

from __future__ import annotations

from django.urls import path

from ledger.views import books, periods

app_name = "ledger"
urlpatterns = [
    path("", books.trial_balance, name="trial_balance"),
    path("trial-balance.csv", books.trial_balance_csv, name="trial_balance_csv"),
    path("periods/", periods.periods, name="periods"),
    path("periods/<str:month>/close-request/", periods.request_close, name="request_close"),
    path("periods/<str:month>/reopening/", periods.withdraw_close, name="withdraw_close"),
    path("periods/<str:month>/close/", periods.close, name="close"),
    path("entries/", books.entries, name="entries"),
    path("entries/<str:public_id>/", books.entry, name="entry"),
    path("entries/<str:public_id>/reversal/", books.reversal, name="reversal"),
]
