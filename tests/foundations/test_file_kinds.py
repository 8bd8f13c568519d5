"""A file is known by what stands in it, never by its name."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal.file_kinds import FileKind, kind_of

DATA = Path(__file__).resolve().parents[1] / "data"
MT940 = (
    b":20:STARTUMSE\r\n:25:10010010/1111111111\r\n:28C:00001/001\r\n"
    b":60F:C261101EUR100,00\r\n:61:2611011101CR25,00N062NONREF\r\n:62F:C261101EUR125,00\r\n-"
)
BAI2 = b"01,122099999,123456789,261102,0200,1,80,,2/\n02,031001234,122099999,1,261101,,,2/\n"


def archive(*names, comment=b""):
    """Return a real archive with files of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as found:
        for name in names:
            found.writestr(name, "<x/>" * 2_000)
    return buffer.getvalue() + comment


WORKBOOK = archive("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/styles.xml")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", FileKind.PDF),
        (b"\n \n%PDF-1.4", FileKind.PDF),
        (WORKBOOK, FileKind.WORKBOOK),
        (archive("[Content_Types].xml", "word/document.xml"), FileKind.WORD),
        (archive("a.csv", "b.csv"), FileKind.ARCHIVE),
        (
            b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            FileKind.OPEN_WORKBOOK,
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, FileKind.OLD_OFFICE),
        (b"\x1f\x8b\x08\0", FileKind.ARCHIVE),
        (b"\x89PNG\r\n\x1a\n", FileKind.PICTURE),
        (b"\xff\xd8\xff\xe0", FileKind.PICTURE),
        (MT940, FileKind.SWIFT),
        (b"{1:F01BANKDEFFXXXX0000000000}{2:O940}{4:\r\n" + MT940, FileKind.SWIFT),
        (b":20:X\n:21:Y\n:25:Z\n", FileKind.SWIFT),
        (BAI2, FileKind.BAI2),
        (b"OFXHEADER:100\r\nDATA:OFXSGML\r\n", FileKind.OFX),
        (b'<?xml version="1.0"?><?OFX OFXHEADER="200"?><OFX><SIGNONMSGSRSV1>', FileKind.OFX),
        (b"!Type:Bank\nD11/01/2026\n", FileKind.OFX),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", FileKind.WEB_PAGE),
        (b"<html lang=en>", FileKind.WEB_PAGE),
        (b'<?xml version="1.0"?><Invoice/>', FileKind.XML),
        (b'<?xml version="1.0"?>\n<ledesxml xmlns="x">', FileKind.LEDES_XML),
        (b"LEDES1998B[]\nINVOICE_DATE|", FileKind.LEDES),
        (b"\xef\xbb\xbfLEDES98BI V2[]\r\n", FileKind.LEDES),
        ("LEDES1998B[]\n".encode("utf-16"), FileKind.LEDES),
        (b"LEDES2000[]\n", FileKind.LEDES),
        (b"INVOICE_DATE|INVOICE_NUMBER|CLIENT_ID[]\n", FileKind.LEDES),
        (b"something[]\nINVOICE_DATE|INVOICE_NUMBER|CLIENT_ID[]\n", FileKind.LEDES),
        (b'{"charges": []}', FileKind.JSON),
        (b'[{"key": 1}]', FileKind.JSON),
        (b"key,kind,customer\na,TIME,INS-1\n", FileKind.TABLE),
        (b"Buchungstag;Betrag\n01.11.2026;25,00\n", FileKind.TABLE),
        (b"ledes_number,amount\n1,2\n", FileKind.TABLE),
        (b"", None),
        (b"hello", None),
        (b"one, two\nthree\n", None),
        (b"\0" * 100, None),
    ],
)
def test_a_file_is_known_by_its_content(data, kind):
    assert kind_of(data) is kind


@pytest.mark.parametrize("path", sorted(DATA.glob("bank/*.xml")), ids=lambda path: path.name)
def test_a_bank_statement_is_known(path):
    assert kind_of(path.read_bytes()) is FileKind.CAMT


@pytest.mark.parametrize("path", sorted(DATA.glob("ledes/*.txt")), ids=lambda path: path.name)
def test_a_ledes_file_is_known(path):
    assert kind_of(path.read_bytes()) is FileKind.LEDES


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(data):
    assert kind_of(data) is None or isinstance(kind_of(data), FileKind)
