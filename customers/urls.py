"""The room's addresses; ``api_urlpatterns`` are included under ``/api/v1/``."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from customers.api import endpoints

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("customers", endpoints.Customers, basename="customer")
router.register("matters", endpoints.Matters, basename="matter")
router.register("timekeepers", endpoints.Timekeepers, basename="timekeeper")
router.register("rates", endpoints.Rates, basename="rate")

urlpatterns = api_urlpatterns = router.urls
