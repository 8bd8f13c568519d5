"""The room's pages below /ledger/."""

from __future__ import annotations

from django.urls import path

from ledger.views import books, periods, verifications

app_name = "ledger"
urlpatterns = [
    path("", books.trial_balance, name="trial_balance"),
    path("trial-balance.csv", books.trial_balance_csv, name="trial_balance_csv"),
    path("periods/", periods.periods, name="periods"),
    path("periods/<str:month>/<str:deed>/", periods.move_period, name="move_period"),
    path("verifications/", verifications.verifications, name="verifications"),
    path("verifications/start/", verifications.start, name="verify"),
    path("entries/", books.entries, name="entries"),
    path("entries/<str:public_id>/", books.entry, name="entry"),
    path("entries/<str:public_id>/reversal/", books.reversal, name="reversal"),
]
