"""What people give for a bank statement when it is another file, and what to give instead. Pure.

Banks offer one statement in many forms side by side; whoever chose the wrong one is told which it
is, where a reader of XML could only say at which sign it stumbled.
"""

from __future__ import annotations

from billing_portal.file_kinds import FileKind, kind_of
from dunning.bank.findings import Finding, NotAStatement, Severity

WANTED = (
    "Wanted is camt.053, the end-of-day statement in XML. Banks offer it where statements are "
    "downloaded or exported, often named “ISO 20022” or “CAMT”; over EBICS its order type is C53."
)
_FOR_THE_XML_READER = {FileKind.CAMT, FileKind.XML, FileKind.LEDES_XML}


def refuse_other_kinds(data: bytes) -> None:
    """Pass what may be a camt message, and what nobody can tell.

    :raises NotAStatement: saying what the file seems to be, and what is wanted instead.
    """
    kind = kind_of(data)
    if kind is None or kind in _FOR_THE_XML_READER:
        return
    text = f"The file seems to be {kind.value}. {WANTED}"
    raise NotAStatement([Finding("bank.other_kind", "", 0, Severity.ERROR, text)])
