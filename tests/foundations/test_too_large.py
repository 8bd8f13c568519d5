"""A body that is declared too large is refused at once, before a byte of it has come."""

import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from billing_portal.api.parsing import MOST_BYTES
from tests.foundations.test_api import Caller
from tests.visiting import Visitor

SOON = 5  # seconds; the server itself waits for a body much longer
LENGTHS = [MOST_BYTES + 1, 10**12, 10**18]


def asked(address, path, length, media_type):
    """Send the head of a request, and none of its body; return the answer's status and text."""
    parts = urlsplit(address)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {length}\r\nAuthorization: Bearer nobody\r\nIdempotency-Key: k\r\n\r\n"
    )
    began = time.monotonic()
    with socket.create_connection((parts.hostname, parts.port), timeout=SOON) as line:
        line.sendall(head.encode())
        text = b""
        while b"\r\n\r\n" not in text:
            text += line.recv(65536)
        named = re.findall(rb"(?i)content-length: (\d+)", text)
        while len(text.partition(b"\r\n\r\n")[2]) < int(named[0]):
            text += line.recv(65536)
    assert time.monotonic() - began < SOON
    return int(text.split()[1]), text.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/api/v1/charges/batches", "application/json"),
        ("/api/v1/charges/files", "text/csv"),
        ("/api/v1/bank-files", "application/xml"),
    ],
)
def test_the_api_waits_for_no_such_body(live_server, path, media_type, length):
    status, text = asked(live_server.url, path, length, media_type)

    assert status == 413
    assert '"code":"body.too_large"' in text
    assert "application/problem+json" in text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("path", ["/accounts/login/", "/t/arnesen/bank-files/import/", "/nowhere"])
def test_no_page_waits_for_such_a_file(live_server, path, length):
    status, text = asked(live_server.url, path, length, "multipart/form-data; boundary=b")

    assert status == 413
    assert "This is too large" in text
    assert "25 MB" in text


@pytest.mark.django_db(transaction=True)
def test_a_form_without_a_file_is_small(live_server):
    form = "application/x-www-form-urlencoded"

    status, text = asked(live_server.url, "/accounts/login/", 2_621_441, form)

    assert status == 413
    assert "2 MB" in text


@pytest.mark.django_db
def test_what_is_within_the_bounds_goes_on_to_its_reader(client, firm):
    caller = Caller(client, firm)
    text = b"x" * 3_000_000

    answer = client.post(
        "/api/v1/charges/files", text, content_type="text/csv", headers=caller.headers
    )
    form = Visitor(client, firm).post("bank-files/import/", {"file": ""})

    assert (answer.status_code, answer.json()["code"]) == (422, "charges.file_unreadable")
    assert form.status_code == 422
