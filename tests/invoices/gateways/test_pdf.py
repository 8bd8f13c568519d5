"""A document becomes a PDF, opens nothing that it was not given, and ends in bounded time."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invoices.gateways.pdf import (
    AssetNotAllowed,
    PdfMetadata,
    PdfPrinter,
    PdfRefused,
    PrinterDied,
    TimedOut,
    TooBig,
    print_pdf,
)

TRIED = json.loads((Path(__file__).parents[2] / "data/security/html_pdf.json").read_text())
PAGE = "<title>Invoice</title><h1>Invoice 2026-00042</h1><p>Review of exhibits: 630.00 USD</p>"
ENDLESS = "<table>" + "<tr><td>x" * 200_000 + "</table>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


@pytest.fixture(scope="module")
def printer():
    with PdfPrinter(children=2) as printer:
        yield printer


def opened(pdf):
    """Return the file with its streams unpacked, so that its dictionaries can be read."""
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    streams = [pdf]
    for start in re.finditer(rb"stream\r?\n", pdf):
        unpacking = zlib.decompressobj()
        try:
            streams.append(unpacking.decompress(pdf[start.end() :]))
        except zlib.error:
            continue
    return b"\n".join(streams)


def pages_of(pdf):
    return len(re.findall(rb"/Type /Page\b(?!s)", opened(pdf)))


def test_a_document_of_one_page_is_one_page(printer):
    assert pages_of(printer.print(PAGE, assets={})) == 1


def test_a_break_makes_a_second_page(printer):
    html = PAGE + "<p style='break-before:page'>More</p>"

    assert pages_of(printer.print(html, assets={})) == 2


def test_a_printer_started_for_one_document_prints_the_same(printer):
    assert print_pdf(PAGE, assets={}) == printer.print(PAGE, assets={})


def test_same_document_same_bytes_whatever_was_printed_between(printer):
    made_at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    facts = {
        "assets": {"a.svg": SVG, "p.css": b"p { color: #123456 }"},
        "metadata": PdfMetadata(title="Invoice", made_at=made_at),
    }
    html = PAGE + "<link rel=stylesheet href=asset:p.css><img src=asset:a.svg>"

    first = printer.print(html, **facts)
    printer.print("<p>Something else</p>", assets={})
    again = [printer.print(html, **facts) for _ in range(3)]

    assert {first, *again} == {first}


def test_a_style_is_parsed_once_and_prints_the_same_every_time(printer):
    style = "@page { size: 4cm 4cm } h1 { break-before: page }"
    first = printer.print(PAGE + "<p>日本 Ελλάδα", assets={}, style=style)
    others = [printer.print(PAGE, assets={}, style=f"p {{ margin: {n}pt }}") for n in range(12)]

    assert printer.print(PAGE + "<p>日本 Ελλάδα", assets={}, style=style) == first
    assert len(set(others)) == 12


def test_a_style_opens_nothing(printer):
    with pytest.raises(AssetNotAllowed):
        printer.print(PAGE, assets={"a.svg": SVG}, style="h1 { background: url(asset:b.svg) }")


def test_a_font_that_a_document_brings_is_gone_with_it():
    mono = next(Path("/usr/share/fonts").rglob("LiberationMono-Regular.ttf")).read_bytes()
    face = '@font-face { font-family: "Brought"; src: url(asset:mono.ttf) }'
    style = "body { font-family: Brought, 'Liberation Sans' }"
    with PdfPrinter(children=1) as printer:
        before = printer.print(PAGE, assets={}, style=style)
        page = f"<style>{face}</style>{PAGE}"
        other = printer.print(page, assets={"mono.ttf": mono}, style=style)
        with pytest.raises(AssetNotAllowed):
            printer.print(PAGE, assets={"mono.ttf": mono}, style=face + style)
        after = printer.print(PAGE, assets={}, style=style)

    assert after == before
    assert (b"Brought" in opened(other), b"Brought" in opened(after)) == (True, False)


def test_the_identifier_of_the_file_follows_the_document(printer):
    found = [
        re.findall(rb"/ID \[(.*?)\]", opened(printer.print(html, assets={})), re.DOTALL)
        for html in (PAGE, PAGE + " ")
    ]

    assert [len(identifiers) for identifiers in found] == [1, 1]
    assert found[0] != found[1]


def test_assets_are_opened_by_their_names(printer):
    html = "<link rel=stylesheet href=asset:p.css><p>x</p><img src='asset:my%20logo.svg'>"
    plain = printer.print("<p>x</p>", assets={})

    pdf = printer.print(html, assets={"p.css": b"p { color: #ff0000 }", "my logo.svg": SVG})

    assert b"1 0 0 rg" in opened(pdf)
    assert b"1 0 0 rg" not in opened(plain)


def test_metadata_comes_from_the_arguments_and_not_from_the_document(printer):
    html = (
        "<title>Of the page</title><meta name=author content=Mallory>"
        "<meta name=generator content=Mallory><meta name=keywords content=Mallory>"
        "<meta name=dcterms.created content=1999-01-01><p>x"
    )
    metadata = PdfMetadata(
        title="Invoice 2026-00042",
        author="Ames Cole LLP",
        subject="October 2026",
        keywords=("invoice", "USD"),
        made_at=datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
    )

    read = opened(printer.print(html, assets={}, metadata=metadata))

    for text in (b"(Invoice 2026-00042)", b"(Ames Cole LLP)", b"(October 2026)", b"20261102093000"):
        assert text in read
    assert b"Mallory" not in read
    assert b"1999" not in read


def test_a_title_left_empty_is_that_of_the_page(printer):
    assert b"(Invoice)" in opened(printer.print(PAGE, assets={}))


def test_a_moment_without_a_zone_is_no_moment():
    with pytest.raises(ValueError, match="zone"):
        PdfMetadata(made_at=datetime(2026, 11, 2))  # noqa: DTZ001 -- this is the mistake


@pytest.mark.parametrize("html", TRIED["refused"])
def test_whatever_was_not_given_is_refused(printer, html):
    with pytest.raises(AssetNotAllowed) as refusal:
        printer.print(html, assets={"logo.svg": SVG})

    assert refusal.value.code == "pdf.asset_not_allowed"


@pytest.mark.parametrize("html", TRIED["printed"])
def test_what_asks_for_no_file_prints_however_odd(printer, html):
    assert pages_of(printer.print(html, assets={})) >= 1


@pytest.mark.parametrize("href", ["file:///etc/passwd", "http://127.0.0.1/", "asset:other.svg"])
def test_an_image_inside_a_given_image_is_refused_too(printer, href):
    image = SVG.replace(b"<path", f'<image href="{href}" width="5" height="5"/><path'.encode())

    with pytest.raises(AssetNotAllowed, match=re.escape(href)):
        printer.print("<img src=asset:a.svg>", assets={"a.svg": image})


def test_a_document_attaches_not_even_what_it_was_given(printer):
    with pytest.raises(AssetNotAllowed, match="attaches"):
        printer.print("<link rel=attachment href=asset:a.svg>", assets={"a.svg": SVG})


def test_nothing_reaches_a_server_that_listens(printer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(AssetNotAllowed):
            printer.print(f"<img src={address}>", assets={})

        with pytest.raises(TimeoutError):
            server.accept()


def test_a_broken_asset_is_refused_and_not_left_out(printer):
    with pytest.raises(PdfRefused, match="Failed to load image"):
        printer.print("<img src=asset:a.png>", assets={"a.png": b"no image"})


def test_a_document_nested_too_deep_is_refused(printer):
    with pytest.raises(PdfRefused, match="nested too deep"):
        printer.print("<div>" * 3000, assets={})


def test_a_document_without_end_is_killed_in_time():
    with PdfPrinter(children=1) as printer:
        printer.print(PAGE, assets={})
        before = time.monotonic()
        with pytest.raises(TimedOut, match="1 seconds"):
            printer.print(ENDLESS, assets={}, timeout_seconds=1)

        assert time.monotonic() - before < 5
        assert pages_of(printer.print(PAGE, assets={})) == 1


def test_a_document_that_takes_all_memory_is_too_big():
    html = "<table>" + "<tr><td>x" * 20_000 + "</table>"

    with PdfPrinter(children=1) as printer:
        # Short of memory a library may hang in place of failing; then the clock ends the child.
        with pytest.raises((TooBig, TimedOut)):
            printer.print(html, assets={}, memory_mib=310, timeout_seconds=20)

        assert pages_of(printer.print(PAGE, assets={})) == 1


def test_a_document_beyond_the_size_of_one_is_too_big(printer):
    with pytest.raises(TooBig, match="64 MiB"):
        printer.print(PAGE, assets={"a.svg": bytes(64 * 2**20)})


def test_refusals_leave_the_child_as_it_was(printer):
    before = printer.print(PAGE, assets={})
    for html in TRIED["refused"][:3]:
        with pytest.raises(AssetNotAllowed):
            printer.print(html, assets={})

    assert printer.print(PAGE, assets={}) == before


def child_of(printer):
    """Return the process id of a printer's only child."""
    child = printer._idle.get()
    printer._idle.put(child)
    return child._process.pid


def test_a_child_killed_while_idle_is_replaced():
    with PdfPrinter(children=1) as printer:
        printer.print(PAGE, assets={})
        killed = child_of(printer)
        os.kill(killed, signal.SIGKILL)
        os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)

        assert pages_of(printer.print(PAGE, assets={})) == 1
        assert child_of(printer) != killed


def test_a_child_killed_while_printing_is_named_and_replaced():
    with PdfPrinter(children=1) as printer:
        printer.print(PAGE, assets={})
        killer = threading.Timer(0.5, os.kill, (child_of(printer), signal.SIGKILL))
        killer.start()
        with pytest.raises(PrinterDied, match="ended with -9"):
            printer.print(ENDLESS, assets={})
        killer.join()

        assert pages_of(printer.print(PAGE, assets={})) == 1


def test_a_child_is_replaced_after_its_share_of_documents():
    with PdfPrinter(children=1, recycle_after=2) as printer:
        children = []
        for _ in range(4):
            printer.print(PAGE, assets={})
            children.append(child_of(printer))

    assert children[0] == children[1] != children[2] == children[3]


def test_a_child_knows_nothing_of_its_parent(printer, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    with PdfPrinter(children=1) as printer_of_secrets:
        printer_of_secrets.print(PAGE, assets={})
        environment = Path(f"/proc/{child_of(printer_of_secrets)}/environ").read_bytes()

    names = {line.split(b"=")[0] for line in environment.split(b"\0") if line}
    assert names == {
        b"HOME",
        b"TMPDIR",
        b"LANG",
        b"PATH",
        b"PYTHONDONTWRITEBYTECODE",
        b"PYTHONHASHSEED",
        b"PYTHONUTF8",
    }


def test_threads_share_a_printer(printer):
    documents = [f"{PAGE}<p>{number}" for number in range(8)]
    alone = [printer.print(html, assets={}) for html in documents]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda html: printer.print(html, assets={}), documents))

    assert together == alone


def test_no_process_and_no_folder_outlives_the_printer():
    with PdfPrinter(children=2) as printer:
        printer.print(PAGE, assets={})
        child = child_of(printer)
        environment = Path(f"/proc/{child}/environ").read_text().split("\0")
        (folder,) = [Path(v[7:]).parent for v in environment if v.startswith("TMPDIR=")]
        assert folder.exists()

    assert not folder.exists()
    assert not Path(f"/proc/{child}").exists()


@pytest.mark.parametrize("wrong", [{"children": 0}, {"recycle_after": 0}])
def test_a_printer_that_cannot_print_is_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        PdfPrinter(**wrong)


@pytest.mark.parametrize(
    "deed",
    [
        "open('/etc/passwd')",
        "open(b'/proc/self/environ', 'rb')",
        "open(os.path.join(tempfile.gettempdir(), '..', '..', 'etc', 'passwd'))",
        "open('invoices/gateways/pdf.py')",
        "os.listdir('/etc')",
        "os.open('/etc/passwd', os.O_RDONLY)",
        "socket.socket()",
        "socket.getaddrinfo('127.0.0.1', 80)",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_the_wall_holds_even_if_the_layout_engine_is_tricked(deed):
    program = (
        "import os, socket, subprocess, tempfile\n"
        "from invoices.gateways.pdf_child import _wall_off\n"
        "kept = []\n"
        "_wall_off(kept)\n"
        "try:\n"
        f"    {deed}\n"
        "except PermissionError:\n"
        "    print(len(kept))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=30
    )

    assert ran.stdout == "1\n"
