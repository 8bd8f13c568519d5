"""What is too large or too long is refused at once; what is not stays in memory."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from django.conf import global_settings
from django.conf import settings as own_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from billing_portal.api.middleware import LONGEST_ADDRESS
from billing_portal.api.parsing import MOST_BYTES
from invoices.models import Charge
from tests.customers.factories import CustomerFactory
from tests.demo.installation import free_port
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


def kept_in_folder_while_sent(address, folder):
    """Send a file of 4 MB to a page, slowly; return what lay in a folder then, and the status."""
    parts = urlsplit(address)
    begin = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    size = 4_000_000
    end = b"\r\n--b--\r\n"
    head = (
        f"POST /accounts/login/ HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {len(begin) + size + len(end)}\r\n\r\n"
    )
    found = set()
    with socket.create_connection((parts.hostname, parts.port), timeout=SOON) as line:
        line.sendall(head.encode() + begin)
        for _ in range(40):
            line.sendall(b"x" * (size // 40))
            time.sleep(0.02)
            found |= {each.name for each in folder.iterdir()}
        line.sendall(end)
        answer = line.recv(65536)
    return found, int(answer.split()[1])


@pytest.mark.django_db(transaction=True)
def test_a_file_is_never_written_to_the_temporary_folder(live_server, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    found, status = kept_in_folder_while_sent(live_server.url, tmp_path)

    assert found == set()
    assert status == 403  # the form came without a token: it was read, and then refused


@pytest.mark.django_db(transaction=True)
def test_with_handlers_as_django_has_them_it_would_be(live_server, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.FILE_UPLOAD_HANDLERS = global_settings.FILE_UPLOAD_HANDLERS
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = global_settings.FILE_UPLOAD_MAX_MEMORY_SIZE

    found, _ = kept_in_folder_while_sent(live_server.url, tmp_path)

    assert len(found) == 1


@pytest.mark.django_db
def test_a_file_of_many_megabytes_is_taken_in_whole(client, tenant):
    customer = CustomerFactory.create()
    header = "key,kind,customer,worked_on,quantity,unit_price,narrative\n"
    rows = "".join(
        f"k{n},EXPENSE,{customer.external_id},2026-10-15,1,5,{'x' * 14_000}\n" for n in range(250)
    )
    data = f"{header}{rows}".encode()
    file = SimpleUploadedFile("charges.csv", data)

    answer = Visitor(client, tenant).post("charges/import/", {"file": file})

    assert len(data) > 3_000_000
    assert answer.status_code == 303
    assert Charge.objects.count() == 250


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/accounts/login/", "/t/arnesen/charges/", "/nowhere", "/static/portal.css"],
)
def test_an_address_that_is_too_long_gets_a_page_of_ours(client, path):
    longest = LONGEST_ADDRESS - len(f"{path}?q=")

    too_long = client.get(f"{path}?q={'x' * (longest + 1)}")
    within = client.get(f"{path}?q={'x' * longest}")

    assert too_long.status_code == 414
    assert "This address is too long" in too_long.content.decode()
    assert "4,000 characters" in too_long.content.decode()
    assert too_long["Content-Security-Policy"]
    assert within.status_code != 414
    within.close()


@pytest.mark.django_db
def test_a_path_that_is_too_long_is_refused_like_a_query(client):
    assert client.get(f"/{'x' * 4_000}").status_code == 414
    assert client.get(f"/{'é' * 700}").status_code == 414  # as it is sent: six characters each
    assert client.get(f"/{'x' * 3_999}").status_code == 404


@pytest.mark.django_db
def test_the_api_refuses_a_long_address_by_a_problem(client, firm):
    caller = Caller(client, firm)

    answer = client.get(f"/api/v1/charges?source={'x' * 4_000}", headers=caller.headers)

    assert answer.status_code == 414
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "address.too_long"
    assert answer.json()["request_id"] == answer["Request-Id"]


@pytest.fixture
def gunicorn(databases):
    """The portal as ``make run`` serves it, on a port of its own."""
    port = free_port()
    name = connection.settings_dict["NAME"]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--config", "python:billing_portal.web_server"),
            *("--workers", "1", "--bind", f"127.0.0.1:{port}"),
        ],
        cwd=own_settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": databases.url("app", name)},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("length", "status", "said"),
    [
        (4_000, 404, "There is nothing here"),
        (4_001, 414, "This address is too long"),
        (8_000, 414, "This address is too long"),
        (8_200, 414, "Request Line is too large"),
    ],
)
def test_the_web_server_leaves_long_addresses_to_us(gunicorn, length, status, said):
    with pytest.raises(urllib.error.HTTPError) as no:
        urllib.request.urlopen(f"{gunicorn}/{'x' * (length - 1)}", timeout=20)

    assert no.value.status == status
    assert said in no.value.read().decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/api/v1/charges/batches", "/accounts/login/"])
def test_a_body_in_chunks_is_never_read_as_an_empty_one(live_server, path):
    parts = urlsplit(live_server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            '7\r\n{"a":1}\r\n0\r\n\r\n'.encode()
        )
        answer = connection.makefile("rb").read()

    assert answer.split(b"\r\n")[0].endswith(b" 411 Length Required")
    assert b"Send the body with its Content-Length" in answer
