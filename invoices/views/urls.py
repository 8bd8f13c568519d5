"""The room's pages; what it answers over REST is in ``invoices.urls``."""

from __future__ import annotations

from django.urls import path

from invoices.views import charges

app_name = "invoices"
urlpatterns = [
    path("charges/", charges.charges, name="charges"),
    path("charges/import/", charges.import_charges, name="import_charges"),
    path("charges/<str:public_id>/", charges.charge, name="charge"),
]
