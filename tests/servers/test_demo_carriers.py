"""The demo carriers keep a book of their own, by rules of their own."""

from __future__ import annotations

import hashlib
import http.cookiejar
import re
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest

from tests.outside.carrier.sample import SampleLine, sample
from tests.outside.carrier.server import DemoCarriers

USER = {"username": "harrow.billing", "password": "Copper-Lantern-41"}


class Visitor:
    """A browser of the simplest kind, signed in at the first carrier."""

    def __init__(self, site, **user):
        self._site = site
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)
        form = {"form_token": self._token("/northfield/"), **(user or USER)}
        self._open("/northfield/sign-in", urllib.parse.urlencode(form).encode()).close()

    def upload(self, data, name="HS-1.txt"):
        """Send a file; return the page that comes back."""
        mark = uuid.uuid4().hex
        token = self._token("/northfield/upload")
        body = (
            (
                f'--{mark}\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token}\r\n'
                f'--{mark}\r\nContent-Disposition: form-data; name="ledes_file"; filename="{name}"'
                "\r\nContent-Type: text/plain\r\n\r\n"
            ).encode()
            + data
            + f"\r\n--{mark}--\r\n".encode()
        )
        kind = f"multipart/form-data; boundary={mark}"
        with self._open("/northfield/upload", body, kind) as got:
            return got.read().decode()

    def page(self, path):
        """Return a page's text."""
        with self._open(path) as got:
            return got.read().decode()

    def _token(self, path):
        (token,) = re.findall(r'name="form_token" value="(\w+)"', self.page(path))
        return token

    def _open(self, path, body=None, kind="application/x-www-form-urlencoded"):
        request = urllib.request.Request(
            self._site.url + path, data=body, headers={"Content-Type": kind}
        )
        return self._opener.open(request, timeout=15)


@pytest.fixture
def site(tmp_path):
    with DemoCarriers(book=tmp_path / "carriers.db") as carriers:
        yield carriers


def test_carriers_write_down_the_very_bytes_received(site):
    data = sample("HS-1", "NFM-20418").replace(b"Review", b"A\r\n--B") + b"\r\n\r\n\x00\xff--"

    Visitor(site).upload(data)

    (entry,) = site.entries("northfield")
    with urllib.request.urlopen(
        f"{site.url}/_control/file?reference={entry['reference']}", timeout=15
    ) as got:
        assert got.read() == data
    assert entry["sha256"] == hashlib.sha256(data).hexdigest()


def test_carriers_keep_their_book_over_a_restart(tmp_path):
    book = tmp_path / "carriers.db"
    with DemoCarriers(book=book) as first:
        Visitor(first).upload(sample("HS-1", "NFM-20418"))
        entries = first.entries()

    with DemoCarriers(book=book) as second:
        assert second.entries() == entries
        Visitor(second).upload(sample("HS-1", "NFM-20418"))
        again = second.entries()[1]

    assert [each["code"] for each in again["reasons"]] == ["DUPLICATE"]
    assert again["reference"].endswith("-000002")


BAD = {
    "first line": (
        sample("A", "NFM-20418").replace(b"LEDES1998B[]", b"LEDES98B[]", 1),
        ["FIRST_LINE"],
    ),
    "header": (sample("A", "NFM-20418").replace(b"CLIENT_ID", b"CLIENT", 1), ["HEADER"]),
    "terminator": (sample("A", "NFM-20418").removesuffix(b"[]\r\n"), ["TERMINATOR"]),
    "field count": (sample("A|B", "NFM-20418"), ["FIELD_COUNT"]),
    "no lines": (b"\r\n".join(sample("A", "X").split(b"\r\n")[:2]), ["EMPTY"]),
    "not ASCII": (sample("A", "NFM-20418").replace(b"Review", b"R\xe9view"), ["ENCODING"]),
    "matter": (sample("A", "HC/24/1182"), ["MATTER"]),
    "firm": (sample("A", "NFM-20418").replace(b"98-7654321", b"11-1111111"), ["FIRM"]),
    "line arithmetic": (
        sample("A", "NFM-20418", SampleLine(units="2.1")),
        ["ARITHMETIC"],
    ),
    "invoice total": (sample("A", "NFM-20418", total="851.00"), ["INVOICE_TOTAL"]),
    "number": (sample("A", "NFM-20418", total="8,50"), ["NUMBER"]),
    "adjustment": (sample("A", "NFM-20418", SampleLine(adjustment="x")), ["NUMBER"]),
    "day": (sample("A", "NFM-20418", SampleLine(day="20261301")), ["DATE"]),
    "day outside": (sample("A", "NFM-20418", SampleLine(day="20260930")), ["DATE_ORDER"]),
    "period": (sample("A", "NFM-20418", starts_on="20261101"), ["DATE_ORDER"]),
    "invoice day": (sample("A", "NFM-20418", invoiced_on="20261030"), ["DATE_ORDER"]),
    "activity": (sample("A", "NFM-20418", SampleLine(activity="")), ["CODE"]),
    "expense": (sample("A", "NFM-20418", SampleLine(kind="E")), ["CODE"]),
    "kind": (sample("A", "NFM-20418", SampleLine(kind="X", total="0"), total="0"), ["LINE_TYPE"]),
    "timekeeper": (sample("A", "NFM-20418", SampleLine(timekeeper="T-9")), ["TIMEKEEPER"]),
    "timekeeper's name": (sample("A", "NFM-20418", SampleLine(name="Okafor")), ["TIMEKEEPER"]),
    "rate": (
        sample("A", "NFM-20418", SampleLine(cost="425.01", total="850.02"), total="850.02"),
        ["RATE"],
    ),
    "line number": (
        sample("A", "NFM-20418", SampleLine(), SampleLine(), total="1700.00"),
        ["LINE_NUMBER"],
    ),
    "nothing named": (sample("", "NFM-20418"), ["REQUIRED"]),
}


@pytest.mark.parametrize(("data", "codes"), BAD.values(), ids=BAD.keys())
def test_carriers_reject_a_bad_file_with_its_reason(data, codes, site):
    answer = Visitor(site).upload(data)

    (entry,) = site.entries()
    assert entry["status"] == "Rejected"
    assert [each["code"] for each in entry["reasons"]] == codes
    assert all(code in answer for code in codes)


def test_carriers_reject_a_file_name_of_another_kind(site):
    Visitor(site).upload(sample("A", "NFM-20418"), "invoice.pdf")

    assert [each["code"] for each in site.entries()[0]["reasons"]] == ["FILE_NAME"]


def test_carriers_take_discounts_expenses_and_invoice_adjustments(site):
    lines = [
        SampleLine(adjustment="-50.00", total="800.00"),
        SampleLine("2", "3", "1.25", "0", "3.75", kind="E", expense="E101", task="", activity=""),
        SampleLine("3", "", "", "-100.00", "-100.00", kind="IF", task="", activity=""),
    ]

    Visitor(site).upload(sample("A", "NFM-20418", *lines, total="703.75"))

    (entry,) = site.entries()
    assert (entry["status"], entry["invoices"]) == ("Accepted", {"A": "703.75"})


def test_carriers_book_a_file_whose_answer_they_lose(site):
    site.set_faults("northfield", lose_answers=1)
    visitor = Visitor(site)

    with pytest.raises((ConnectionError, urllib.error.URLError)):
        visitor.upload(sample("HS-1", "NFM-20418"))

    (entry,) = site.entries()
    assert entry["status"] == "Accepted"
    for wanted in ("HS-1", "HS-1.txt", entry["sha256"], entry["reference"]):
        assert entry["reference"] in visitor.page(f"/northfield/history?q={wanted}")


def test_carriers_show_nothing_to_who_is_not_signed_in(site):
    Visitor(site).upload(sample("HS-1", "NFM-20418"))
    reference = site.entries()[0]["reference"]

    for path in ("history", "upload", f"submission?reference={reference}"):
        url = f"{site.url}/northfield/{path}"
        with urllib.request.urlopen(url, timeout=15) as got:
            assert reference not in got.read().decode()
            assert got.url.endswith("/northfield/")


def test_carriers_refuse_a_wrong_password_and_then_lock(site):
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as refused:
            Visitor(site, username="harrow.billing", password="guess")
        assert (refused.value.code, "not correct" in refused.value.read().decode()) == (401, True)
    with pytest.raises(urllib.error.HTTPError) as locked:
        Visitor(site, username="harrow.billing", password="guess")

    assert "locked" in locked.value.read().decode()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/_control/faults", {"carrier": "nobody"}, 400),
        ("/_control/faults", {"carrier": "northfield", "weather": True}, 400),
        ("/_control/decide", {"reference": "NFM-1", "status": "Approved"}, 404),
        ("/_control/decide", {"reference": "NFM-1", "status": "Lost"}, 400),
        ("/_control/carriers", {"key": "x"}, 400),
        ("/_control/nothing", {}, 404),
    ],
)
def test_carriers_control_refuses_what_it_does_not_know(path, body, status, site):
    with pytest.raises(urllib.error.HTTPError) as refused:
        site.ask(path, body)

    refused.value.close()
    assert refused.value.code == status


def test_carriers_stop_cleanly_and_leave_a_sound_book(tmp_path):
    book = tmp_path / "carriers.db"
    carriers = DemoCarriers(book=book).start()
    Visitor(carriers).upload(sample("HS-1", "NFM-20418"))

    assert carriers.stop() == 0

    connection = sqlite3.connect(book)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()
