"""Bank files: what was taken in, what came of it, and taking another in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from billing_portal.errors import Refused, sized
from billing_portal.ids import uid_of
from billing_portal.imports.takers import FileFinding, NotTaken, findings_of
from billing_portal.imports.views import take_or_leave
from billing_portal.money import Money
from billing_portal.portal.lists import page_of
from billing_portal.portal.nouns import Noun, row_named
from billing_portal.tenancy.actors import Actor, may
from billing_portal.tenancy.requests import FirmRequest
from dunning.bank.safe_xml import MOST_BYTES
from dunning.forms import BANK
from dunning.models import BankFile, BankLine
from dunning.queries import bank_files as asked_of
from dunning.queries.payments import payments
from dunning.views.payments import state_of

_SHOWN_FINDINGS = 1_000


class BankFileForm(forms.Form):
    """A camt.053 file."""

    file = forms.FileField(
        label="camt.053 file",
        help_text="The end-of-day statement in XML, as the bank sends it. Banks offer it where "
        "statements are downloaded or exported, often named “ISO 20022” or “CAMT”; over EBICS its "
        "order type is C53. MT940, BAI2, OFX, CSV, spreadsheets and PDF are not read.",
    )

    def clean_file(self) -> Any:
        """Refuse what is far too big before it is read."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"The file is larger than {sized(MOST_BYTES)}.")
        return file


@require_safe
@may("payments.read")
def bank_files(request: FirmRequest) -> HttpResponse:
    """List bank files with their statements: opening + entries = closing. Three queries."""
    page = page_of(BankFile.objects.defer("content"), request)
    statements = _statements(page.rows)
    context = {
        "page": page,
        "listed": [(each, statements.get(each.pk, [])) for each in page.rows],
        "may_import": request.actor.may("payments.import"),
    }
    return render(request, "dunning/bank_files.html", context)


def _statements(files: Iterable[BankFile]) -> dict[int, list[dict[str, Any]]]:
    """Return how the statements of files add up, by the file's key. One query."""
    found: dict[int, list[dict[str, Any]]] = {}
    for each in asked_of.statements_of(files):
        opening = Money.of_minor(each.opening, each.currency)
        closing = Money.of_minor(each.closing, each.currency)
        found.setdefault(each.file_id, []).append(
            {"row": each, "opening": opening, "closing": closing, "moved": closing - opening}
        )
    return found


@require_safe
@may("payments.read")
def bank_file(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show a bank file: its statements, what came of it, its lines as they stand. Six queries."""
    file = row_named(BankFile.objects.defer("content"), public_id)
    page = page_of(asked_of.lines_of(file), request, is_as_written=True)
    statements = _statements([file]).get(file.pk, [])
    context = {
        "file": file,
        "page": page,
        "statements": statements,
        "is_of_several": len(statements) > 1,
        "came_of": asked_of.came_of(file),
        "listed": _lines(page.rows),
        "crumbs": [(gettext("Bank files"), reverse("dunning:bank_files"))],
    }
    return render(request, "dunning/bank_file.html", context)


def _lines(rows: list[BankLine]) -> list[dict[str, Any]]:
    """Return lines as the page shows them, each with its payment and how that stands. One query."""
    wanted = [each.payment_id for each in rows if each.payment_id]
    paid = {each.pk: each for each in payments().filter(pk__in=wanted)}
    return [_line(each, paid.get(each.payment_id)) for each in rows]


def _line(row: BankLine, payment: Any) -> dict[str, Any]:
    url = reverse("dunning:payment", args=[payment.public_id]) if payment else ""
    return {"row": row, "url": url, "state": state_of(payment) if payment else ""}


def bank_files_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return what bank files are called, and their pages, by public id. One query."""
    if not actor.may("payments.read"):
        return {}
    rows = BankFile.objects.defer("content")
    return {
        row.public_id: Noun(row.name, reverse("dunning:bank_file", args=[row.public_id]))
        for row in rows.filter(uid__in=[uid_of(BankFile.ID_PREFIX, text) for text in ids])
    }


@require_http_methods(["GET", "HEAD", "POST"])
@may("payments.import")
def import_file(request: FirmRequest) -> HttpResponse:
    """Import a bank file, or show everything that is wrong with it."""
    is_sent = request.method == "POST"
    form = BankFileForm(request.POST, request.FILES) if is_sent else BankFileForm()
    findings: list[FileFinding] = []
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            return take_or_leave(request, BANK, upload.read(), name=upload.name)
        except NotTaken as no:
            findings = findings_of(no.errors)
        except Refused as no:
            form.add_error(None, str(no))
    status = 422 if form.errors or findings else 200
    context = {
        "form": form,
        "findings": findings[:_SHOWN_FINDINGS],
        "found": len(findings),
        "may_see_imports": request.actor.may("imports.read"),
        "crumbs": [(gettext("Bank files"), reverse("dunning:bank_files"))],
    }
    return render(request, "dunning/import_file.html", context, status=status)
