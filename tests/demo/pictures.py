"""``make screenshots``: the pictures of the documents, taken of the demo's own pages.

The demo is told on a database of its own; then its people look at what became of it, in light and
dark, on desk and phone. Only this command writes to docs/pictures; tests leave it alone.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.demo import firms, month_end
from tests.demo.installation import ROOT
from tests.demo.work import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs" / "pictures"
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 780}


def take(address: str, law: System) -> list[Path]:
    """Take all pictures; return where they are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    final = next(iter(month_end.invoices(law, state="FINALIZED", kind="INVOICE")))
    draft = next(iter(month_end.invoices(law, state="IN_REVIEW", kind="INVOICE")))
    run = next(month_end.pages(law, "/runs"))
    wanted = [
        ("inbox", "dana@arnesen.test", "inbox/", DESK, "light"),
        ("run", "dana@arnesen.test", f"runs/{run['id']}/", DESK, "dark"),
        ("review", "priya@arnesen.test", f"invoices/{draft['id']}/", DESK, "light"),
        ("review-phone", "priya@arnesen.test", f"invoices/{draft['id']}/", PHONE, "dark"),
        ("invoice", "dana@arnesen.test", f"invoices/{final['id']}/", DESK, "light"),
        ("uploads", "dana@arnesen.test", "uploads/", DESK, "light"),
        ("ledger", "ada@arnesen.test", "ledger/", DESK, "dark"),
    ]
    with _chromium() as browser:
        return [_picture(browser, address, each) for each in wanted]


def _picture(browser: Browser, address: str, wanted: tuple[str, str, str, Any, Any]) -> Path:
    name, email, path, size, scheme = wanted
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    _sign_in(page, f"{address}/t/{firms.ARNESEN.slug}/{path}", email)
    place = FOLDER / f"{name}.png"
    page.screenshot(path=place)
    context.close()
    return place


def _sign_in(page: Page, address: str, email: str) -> None:
    page.goto(address)
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", firms.PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(address)


@contextmanager
def _chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if found is None:
        sys.exit("pictures: there is no Chromium; make setup installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()
