"""The room's addresses under /api/v1/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from invoices.api.charges import ChargeViewSet
from invoices.api.documents import DocumentViewSet
from invoices.api.invoices import InvoiceViewSet
from invoices.api.runs import RunViewSet
from invoices.api.uploads import DeliveryViewSet, SubmissionViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("charges", ChargeViewSet, basename="charge")
router.register("runs", RunViewSet, basename="run")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("documents", DocumentViewSet, basename="document")
router.register("submissions", SubmissionViewSet, basename="submission")
router.register("deliveries", DeliveryViewSet, basename="delivery")
urlpatterns = router.urls
