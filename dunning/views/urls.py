"""The room's pages."""

from __future__ import annotations

from django.urls import path

from dunning.views import bank_files, payment, payments, reminders, sending

app_name = "dunning"
urlpatterns = [
    path("payments/", payments.payments, name="payments"),
    path("payments/<str:public_id>/", payment.payment, name="payment"),
    path("payments/<str:public_id>/allocate/", payment.allocate_payment, name="allocate"),
    path(
        "payments/<str:public_id>/allocations/<str:entry>/back/",
        payment.take_allocation_back,
        name="take_back",
    ),
    path("payments/<str:public_id>/payer/", payment.name_payer, name="name_payer"),
    path("payments/<str:public_id>/payer/back/", payment.take_back_payer, name="take_payer_back"),
    path("bank-files/", bank_files.bank_files, name="bank_files"),
    path("bank-files/import/", bank_files.import_file, name="import_file"),
    path("bank-files/<str:public_id>/", bank_files.bank_file, name="bank_file"),
    path("reminders/", reminders.reminders, name="reminders"),
    path("reminders/send/", sending.send, name="send_reminders"),
]
