"""Is the trail whole? Recomputes a chain and names the first broken entry and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice, starmap
from typing import Any, NamedTuple

from billing_portal.audit.anchoring import anchors_of
from billing_portal.audit.models import PendingSeal, Seal
from billing_portal.audit.sealing import GENESIS, link, pages_of
from billing_portal.tenancy.models import Tenant

_PAGE = 2000


class _Sealed(NamedTuple):
    seq: int
    subject_id: int
    previous_hash: str
    hash: str


@dataclass
class ChainReport:
    """What came of looking at one chain."""

    chain: str
    sealed: int = 0
    waiting: int = 0
    head: str = GENESIS
    anchors: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "ok": self.ok}


def verify_chain(tenant: Tenant, chain: str) -> ChainReport:
    """Recompute a chain of the current firm from its first entry and compare it with all anchors.

    Stops at the first broken entry, which it names. Two queries for each 2,000 entries.
    """
    report = ChainReport(chain, waiting=PendingSeal.objects.filter(chain=chain).count())
    hashes: dict[int, str] = {}
    anchors = anchors_of(tenant, chain)
    wanted = {anchor.seq for anchor in anchors}
    for seal, page in _sealed_pages(chain):
        problem = _problem(report, seal, page)
        if problem:
            report.findings.append(problem)
            return report
        report.sealed, report.head = seal.seq, seal.hash
        if seal.seq in wanted:
            hashes[seal.seq] = seal.hash
    report.anchors = len(anchors)
    for anchor in anchors:
        if anchor.seq > report.sealed:
            report.findings.append(
                f"The tail is cut: entry {anchor.seq} was anchored at {anchor.at}, "
                f"and the chain ends at {report.sealed}."
            )
            break
        if hashes[anchor.seq] != anchor.hash:
            report.findings.append(
                f"The chain was written anew: entry {anchor.seq} is not the one anchored at "
                f"{anchor.at}."
            )
            break
    return report


def _problem(report: ChainReport, seal: _Sealed, page: bytes | None) -> str:
    expected = report.sealed + 1
    if seal.seq != expected:
        return f"Entry {expected} is missing; the next is {seal.seq}."
    if seal.previous_hash != report.head:
        return f"Entry {seal.seq} does not follow entry {report.sealed}."
    if page is None:
        return f"Entry {seal.seq} seals something that is gone."
    if link(seal.previous_hash, page) != seal.hash:
        return f"Entry {seal.seq} was changed: it is not what was sealed."
    return ""


def _sealed_pages(chain: str) -> Iterator[tuple[_Sealed, bytes | None]]:
    pages = pages_of(chain)
    columns = ("seq", "subject_id", "previous_hash", "hash")
    rows = Seal.objects.filter(chain=chain).order_by("seq").values_list(*columns)
    seals = starmap(_Sealed, rows.iterator(chunk_size=_PAGE))
    while batch := list(islice(seals, _PAGE)):
        found = pages([seal.subject_id for seal in batch])
        for seal in batch:
            yield seal, found.get(seal.subject_id)
