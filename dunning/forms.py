"""Bank files, taken in whole or not at all, as the API answers them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing_portal.imports.takers import Json, NotTaken, Taker
from billing_portal.tenancy.actors import Actor
from dunning.actions.bank_files import import_bank_file
from dunning.bank.findings import Finding, NotAStatement
from dunning.bank.safe_xml import MOST_BYTES

LARGE_BYTES = 1_000_000  # some 900 payments, 0.8 s on two cores, by bench_bank


def is_large(data: bytes) -> bool:
    """Say whether taking a bank file in may last more than two seconds."""
    return LARGE_BYTES < len(data) <= MOST_BYTES


def take_bank_file(
    data: bytes, *, name: str, options: Mapping[str, Any], by: Actor, on: date
) -> Json:
    """Import a camt.053 file, all of it or nothing.

    :raises NotTaken: with every finding, by place, row and rule.
    """
    try:
        file = import_bank_file(data, name=name or "statement.xml", by=by, on=on)
    except NotAStatement as no:
        raise NotTaken(no, [_json(each) for each in no.findings]) from no
    return {"object": "bank_file", "id": file.public_id}


def _json(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "place": finding.place,
        "row": finding.row,
        "severity": str(finding.severity),
        "text": finding.text,
    }


def said(_answer: Json) -> str:
    """Say that a bank file was taken in."""
    return gettext("The bank file was imported.")


BANK = Taker(
    kind="bank",
    title=_("Bank file"),
    take=take_bank_file,
    is_large=is_large,
    permission="payments.import",
    reads="payments.read",
    said=said,
    url_name="dunning:import_file",
    list_url_name="dunning:bank_files",
)
