"""A trial of what prints and what uploads: one page each, of nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from billing_portal.portal.findings import Finding, fail, ok
from invoices.gateways import pdf
from invoices.gateways.carriers import browser

_PAGE = "<title>Trial</title><p>One page.</p>"
_SETUP = "Run make setup; docs/running.md, Other systems, says what is needed."


def trial(_now: datetime) -> Iterator[Finding]:
    """Print a page with Pango, and open one in Chromium."""
    yield _printer()
    yield _browser()


def _printer() -> Finding:
    try:
        page = pdf.print_pdf(_PAGE, assets={})
    except (pdf.PdfRefused, pdf.PrinterDied) as error:
        return fail("printing", f"no page came out: {error}", _SETUP)
    return ok("printing", f"a page of {len(page):,} bytes")


def _browser() -> Finding:
    try:
        version = browser.version_by_a_page(_PAGE)
    except Exception as error:  # noqa: BLE001 -- the driver's errors are its own, and many
        return fail("browser", f"no page was shown: {type(error).__name__}", _SETUP)
    return ok("browser", f"Chromium {version} shows a page")
