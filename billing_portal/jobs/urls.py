"""Jobs under /api/v1/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from billing_portal.jobs.api import JobViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("jobs", JobViewSet, basename="job")
urlpatterns = router.urls
