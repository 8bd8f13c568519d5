"""Large files under /api/v1/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from billing_portal.imports.api import FileImportViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("file-imports", FileImportViewSet, basename="file-import")
urlpatterns = router.urls
