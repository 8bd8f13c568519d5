"""The doctor's round: every check, also when one of them breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from billing_portal.portal.findings import Finding, fail

_log = structlog.get_logger(__name__)


def examined(now: datetime) -> Iterator[Finding]:
    """Yield what each check of settings.DOCTOR_CHECKS finds; one that breaks is a finding too."""
    for dotted in settings.DOCTOR_CHECKS:
        name = dotted.rpartition(".")[2]
        try:
            yield from import_string(dotted)(now)
        except Exception as error:  # noqa: BLE001 -- who faints at a database that is away helps nobody
            _log.exception("check broke", check=dotted)
            words = f"the check broke off: {type(error).__name__}"
            yield fail(name, words, "See the log; mend what stands above first.")
