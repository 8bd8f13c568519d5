"""Documents and verdicts against the sealed trail, for ``ledger_verify``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from billing_portal.audit.models import AuditEvent
from billing_portal.tenancy.scope import current_tenant_id
from invoices.gateways import files
from invoices.models import Document, Evidence, FrozenInvoice, Invoice, Verdict
from invoices.queries.invoices import unapproved

_TOLD = 5
_BATCH = 2000
_SOON = timedelta(minutes=1)  # the two rows are of one transaction, by its statements' clocks
_Said = tuple[str, str, object, object, str, str]


def documents_are_recorded() -> list[str]:
    """Every document has the hash that the trail recorded, and is made from what is frozen.

    Three queries for each 2,000 documents; the files themselves are another check.
    """
    return list(islice(_documents_off(), _TOLD))


def _documents_off() -> Iterator[str]:
    rows = Document.objects.order_by("pk").iterator()
    for some in iter(lambda: list(islice(rows, _BATCH)), []):
        deeds = AuditEvent.objects.filter(
            action="document.rendered",
            subject_kind="document",
            subject_id__in=[each.public_id for each in some],
        )
        told = dict(deeds.values_list("subject_id", "details"))
        frozen = dict(
            FrozenInvoice.objects.filter(
                invoice__in={each.invoice_id for each in some}
            ).values_list("invoice_id", "sha256")
        )
        for document in some:
            details = told.get(document.public_id, {})
            if (document.kind, document.sha256) != (details.get("kind"), details.get("sha256")):
                yield f"The file {document} is not the one that was recorded."
            if document.snapshot_sha256 != frozen.get(document.invoice_id):
                yield f"The file {document} was not made from what is frozen."


def files_are_there() -> list[str]:
    """Every document's file is kept, and its bytes carry the document's hash.

    One query, and every byte of every file is read: minutes for 100,000 documents.
    """
    return list(islice(_files_off(), _TOLD))


def evidence_is_there() -> list[str]:
    """Everything that was seen at carriers is kept, and its bytes carry its hash.

    One query, and every byte of every picture and page is read.
    """
    return list(islice(_evidence_off(), _TOLD))


def _files_off() -> Iterator[str]:
    for document in Document.objects.order_by("pk").iterator():
        off = _off_the_disk(document.sha256, document.size)
        if off:
            yield f"The file {document} {off}."


def _evidence_off() -> Iterator[str]:
    for seen in Evidence.objects.order_by("pk").iterator():
        off = _off_the_disk(seen.sha256, seen.size)
        if off:
            yield f"Evidence {seen.pk} of upload {seen.submission_id} {off}."


def _off_the_disk(sha256: str, size: int) -> str:
    """Return what is wrong with the bytes of a kept file; nothing where they are whole."""
    try:
        data = files.read(current_tenant_id(), sha256)
    except files.FileMissing:
        return "is not there"
    except files.FileDamaged:
        return "was changed where it is kept"
    return "" if len(data) == size else "has another size than was recorded"


def verdicts_are_recorded() -> list[str]:
    """Every verdict is told by the trail: of whom, when, what and of which version.

    Two queries, every verdict and every deed of review once.
    """
    given: dict[_Said, list[datetime]] = defaultdict(list)
    for verdict in Verdict.objects.select_related("invoice").order_by("pk").iterator():
        action = f"invoice.{verdict.kind.lower()}"
        seen = (verdict.version_seen, verdict.category)
        who = (verdict.given_by, verdict.given_by_name)
        given[verdict.invoice.public_id, action, *seen, *who].append(verdict.given_at)
    told: dict[_Said, list[datetime]] = defaultdict(list)
    actions = [f"invoice.{kind.lower()}" for kind in Verdict.Kind.values]
    deeds = AuditEvent.objects.filter(action__in=actions, subject_kind="invoice").order_by("pk")
    for deed in deeds.iterator():
        facts = (deed.details.get("version"), deed.details.get("category"))
        by = (deed.actor, deed.actor_name)
        told[deed.subject_id, deed.action, *facts, *by].append(deed.recorded_at)
    off = [said for said in given if not _is_same(given[said], told.get(said, []))]
    off += [said for said in told if said not in given]
    invoices = dict.fromkeys(said[0] for said in off)
    return [f"The verdicts on {name} are not those that were recorded." for name in invoices][
        :_TOLD
    ]


def what_is_final_was_approved() -> list[str]:
    """Every invoice that is approved or final has the approval of its version as its last verdict.

    Two queries for each 2,000 invoices.
    """
    states = (Invoice.State.APPROVED, Invoice.State.FINALIZED, Invoice.State.VOID)
    rows = Invoice.objects.filter(kind=Invoice.Kind.INVOICE, state__in=states).order_by("pk")
    every = rows.iterator()
    off: list[str] = []
    for some in iter(lambda: list(islice(every, _BATCH)), []):
        off += [
            f"{each} ({each.public_id}) was not approved as it is." for each in unapproved(some)
        ]
    return off[:_TOLD]


def _is_same(given: list[datetime], told: list[datetime]) -> bool:
    """Say whether as many moments are given as told, each about the same."""
    pairs = zip(sorted(given), sorted(told), strict=False)
    return len(given) == len(told) and all(abs(one - other) < _SOON for one, other in pairs)
