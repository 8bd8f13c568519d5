"""What a file seems to be, by its first bytes, whatever its name says. Pure.

For whoever takes files in: a person who gave the wrong one is told what it is, and not where a
reader stumbled over it. A kind is a guess good enough to advise by; readers still read everything.
"""

from __future__ import annotations

import re
from enum import Enum

_HEAD = 4096  # bytes that are looked at, but for the names within an archive
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class FileKind(Enum):
    """A kind of file that people have at hand, in the words of who reads it."""

    PDF = "a PDF document"
    WORKBOOK = "a spreadsheet (.xlsx)"
    OPEN_WORKBOOK = "a spreadsheet (.ods)"
    OLD_OFFICE = "a file of an old Office, such as .xls"
    WORD = "a Word document (.docx)"
    ARCHIVE = "an archive, such as .zip"
    PICTURE = "a picture"
    CAMT = "an ISO 20022 account report (camt)"
    LEDES_XML = "a LEDES XML file"
    OFX = "an OFX or Quicken statement"
    WEB_PAGE = "a web page"
    XML = "an XML file"
    SWIFT = "a SWIFT statement, such as MT940"
    BAI2 = "a BAI2 statement"
    LEDES = "a LEDES file"
    JSON = "a JSON file"
    TABLE = "a table of separated values, such as CSV"


_ZIP = b"PK\x03\x04"
_WITHIN_ZIP = (  # names stand plain in an archive, at its beginning or its end
    (b"xl/workbook", FileKind.WORKBOOK),
    (b"opendocument.spreadsheet", FileKind.OPEN_WORKBOOK),
    (b"word/document", FileKind.WORD),
)
_BYTES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind.OLD_OFFICE),
    (b"\x1f\x8b", FileKind.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", FileKind.ARCHIVE),
    (b"Rar!\x1a\x07", FileKind.ARCHIVE),
    (b"\x89PNG\r\n", FileKind.PICTURE),
    (b"\xff\xd8\xff", FileKind.PICTURE),
    (b"GIF8", FileKind.PICTURE),
)
_TEXTS = (  # the first that fits
    (re.compile(r"\s*<.*?\bcamt\.05[234]\.", re.DOTALL), FileKind.CAMT),
    (re.compile(r"\s*<.*?<ledesxml", re.DOTALL | re.IGNORECASE), FileKind.LEDES_XML),
    (re.compile(r"\s*(OFXHEADER|!Type:|<OFX>|<\?xml.*?<OFX>)", re.DOTALL), FileKind.OFX),
    (re.compile(r"\s*<(!doctype\s+html|html)\b", re.IGNORECASE), FileKind.WEB_PAGE),
    (re.compile(r"\s*<[?!A-Za-z]"), FileKind.XML),
    (re.compile(r"\s*(\{1:|:20:[^\r\n]*[\r\n]+:2[15][A-Z]?:)"), FileKind.SWIFT),
    (re.compile(r"01,[^\r\n]*/\s*[\r\n]+02,"), FileKind.BAI2),
    (re.compile(r"\s*LEDES ?[0-9]", re.IGNORECASE), FileKind.LEDES),
    (re.compile(r"[^\r\n]*[\r\n]*INVOICE_DATE\|INVOICE_NUMBER\|", re.IGNORECASE), FileKind.LEDES),
    (re.compile(r'\s*[\[{]\s*["\[{]'), FileKind.JSON),
)


def kind_of(data: bytes) -> FileKind | None:
    """Return what a file seems to be, or None where nothing tells.

    ``kind_of(b"%PDF-1.7 ...")`` is PDF; its ``value`` is fit for a sentence: "a PDF document".
    """
    head = data[:_HEAD]
    if data.startswith(_ZIP):
        within = (kind for name, kind in _WITHIN_ZIP if name in data)
        return next(within, FileKind.ARCHIVE)
    if head.lstrip().startswith(b"%PDF-"):
        return FileKind.PDF
    plain = next((kind for mark, kind in _BYTES if data.startswith(mark)), None)
    if plain is not None:
        return plain
    text = _text(head)
    said = next((kind for pattern, kind in _TEXTS if pattern.match(text)), None)
    return FileKind.TABLE if said is None and _is_table(text) else said


def _text(head: bytes) -> str:
    if head.startswith(_MARKS[1:]):
        return head.decode("utf-16", errors="replace")
    return head.removeprefix(_MARKS[0]).decode("latin-1")


def _is_table(text: str) -> bool:
    """Say whether the first two lines have the same number of the same separator."""
    lines = [line for line in text.splitlines() if line.strip()][:2]
    if len(lines) < 2:  # noqa: PLR2004
        return False
    counts = [[line.count(mark) for line in lines] for mark in (";", "\t", "|", ",")]
    return any(first == second > 0 for first, second in counts)
