"""The room's addresses under /api/v1/."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from dunning.api.payments import BankFileViewSet, PaymentViewSet, ReminderViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("payments", PaymentViewSet, basename="payment")
router.register("reminders", ReminderViewSet, basename="reminder")
router.register("bank-files", BankFileViewSet, basename="bank-file")
urlpatterns = router.urls
