"""The look stays small, self-contained and without inline code."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it has no types
import pytest
from django.template.loader import render_to_string

from billing_portal.portal import gallery
from billing_portal.portal.looks import LOOKS

ROOT = Path(__file__).parents[2]
STYLES = ["static/portal.css", "static/css/parts.css", "static/css/screens.css"]
OTHERS = ["static/css/office.css", "static/documents/invoice.css"]
SCRIPTS = ["static/portal.js", "static/vendor/htmx-2.0.11.min.js"]
MAIL = {"mail", "email"}  # a mail has no sheet but its own
PAGES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if path.parent.name not in MAIL
)


def _compressed(names: list[str]) -> int:
    return sum(len(brotli.compress((ROOT / name).read_bytes())) for name in names)


def test_styles_stay_within_their_budget():
    assert _compressed(STYLES) <= 18_000


def test_scripts_stay_within_their_budget():
    assert _compressed(SCRIPTS) <= 30_000


def test_every_vendored_file_is_the_one_of_the_manifest():
    listed = json.loads((ROOT / "static/vendor/manifest.json").read_text())["files"]

    assert [
        file["path"]
        for file in listed
        if hashlib.sha256((ROOT / file["path"]).read_bytes()).hexdigest() != file["sha256"]
    ] == []
    assert {path.name for path in (ROOT / "static/vendor").iterdir()} - {"manifest.json"} <= {
        Path(file["path"]).name for file in listed
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_have_no_inline_code_and_ask_nobody_else(page):
    source = page.read_text()

    assert (
        re.findall(
            r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|(?:src|href)=\"(?:https?:)?//", source
        )
        == []
    )


@pytest.mark.parametrize("sheet", [*STYLES, *OTHERS])
def test_styles_load_nothing(sheet):
    assert re.findall(r"@import|url\(", (ROOT / sheet).read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_icon_named_in_a_template_is_in_the_sprite(page):
    sprite = (ROOT / "static/vendor/icons.svg").read_text()
    named = re.findall(r'{% icon "([^"]+)" %}', page.read_text())

    assert [name for name in named if f'id="{name}"' not in sprite] == []


def test_the_gallery_shows_every_sample(rf):
    request = rf.get("/_ui/")

    shown = render_to_string("portal/gallery.html", gallery.context(), request=request)

    for words in ["Draft 4Q8R2M", "Coastal Surety changed", "Trial balance", "Who did what"]:
        assert words in shown


def test_the_gallery_knows_only_states_that_have_a_look():
    assert [key for _, keys in gallery.STATE_KEYS for key in keys if key not in LOOKS] == []


def test_the_samples_of_the_books_balance():
    samples = gallery.context()

    assert samples["debit_total"] == samples["credit_total"]
    assert sum(part["amount"] for part in samples["ageing"]) == samples["receivables"]
    assert sum(amount for _, amount in samples["review_totals"]) == samples["review_total"]
