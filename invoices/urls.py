"""The room's addresses under /api/v1/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from invoices.api import ChargeViewSet

router = SimpleRouter(trailing_slash=False)
router.register("charges", ChargeViewSet, basename="charge")
urlpatterns = router.urls
