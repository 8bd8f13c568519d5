"""The room's pages."""

from __future__ import annotations

from django.urls import path

from invoices.views import (
    bulk,
    charge_files,
    charges,
    comments,
    documents,
    invoices,
    previews,
    review,
    runs,
    uploads,
)

app_name = "invoices"
urlpatterns = [
    path("charges/", charges.charges, name="charges"),
    path("charges/import/", charge_files.import_charges, name="import_charges"),
    path("charges/<str:public_id>/", charges.charge, name="charge"),
    path("documents/<str:public_id>/", documents.document, name="document"),
    path("uploads/", uploads.uploads, name="uploads"),
    path("uploads/<str:public_id>/", uploads.upload, name="upload"),
    path("uploads/<str:public_id>/<str:deed>/", uploads.move_upload, name="move_upload"),
    path("carriers/<str:public_id>/resume/", uploads.resume_carrier, name="resume_carrier"),
    path(
        "uploads/<str:public_id>/evidence/<int:attempt>/<int:position>/",
        uploads.evidence,
        name="evidence",
    ),
    path("deliveries/", uploads.deliveries, name="deliveries"),
    path("deliveries/<str:public_id>/again/", uploads.send_again, name="send_again"),
    path("runs/", runs.runs, name="runs"),
    path("runs/new/", runs.new_run, name="new_run"),
    path("runs/<str:public_id>/", runs.run, name="run"),
    path("runs/<str:public_id>/preview/", previews.preview, name="preview"),
    path("runs/<str:public_id>/preview.csv", previews.preview_file, name="preview_file"),
    path("runs/<str:public_id>/report.csv", runs.run_report, name="run_report"),
    path("runs/<str:public_id>/review/", bulk.send_run_to_review, name="send_run_to_review"),
    path("runs/<str:public_id>/finalize/", runs.finalize_run, name="finalize_run"),
    path("runs/<str:public_id>/<str:deed>/", runs.move_run, name="move_run"),
    path("runs/<str:public_id>/items/<str:item>/retry/", runs.retry_item, name="retry_item"),
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/approve/", bulk.approve_chosen, name="approve_chosen"),
    path("invoices/<str:public_id>/", review.invoice, name="invoice"),
    path("invoices/<str:public_id>/lines/<str:line>/", review.edit_line, name="edit_line"),
    path("invoices/<str:public_id>/comments/", comments.add, name="comment"),
    path("invoices/<str:public_id>/approve/", review.approve, name="approve"),
    path("invoices/<str:public_id>/review/", review.send_to_review, name="send_to_review"),
    path("invoices/<str:public_id>/return/", review.return_invoice, name="return"),
    path("invoices/<str:public_id>/finalize/", review.finalize_one, name="finalize"),
    path("invoices/<str:public_id>/credit/", review.request_credit, name="request_credit"),
    path(
        "invoices/<str:public_id>/credit/<str:verdict>/",
        review.decide_credit,
        name="decide_credit",
    ),
    path("invoices/<str:public_id>/<str:deed>/", review.move, name="move"),
]
