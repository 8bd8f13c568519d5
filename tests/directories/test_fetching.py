"""The way out to directories: public places only, nothing followed, nothing without end."""

import socket
import threading
import time

import pytest

from billing_portal.directories import fetching
from billing_portal.directories.fetching import NotAPlace, Unreachable, checked_url, fetch
from tests.outside import web
from tests.outside.certificates import self_signed


def test_an_object_is_fetched(serve):
    assert fetch(serve(lambda request: web.answer({"path": request.path}))) == {"path": "/"}


def test_a_redirect_is_not_followed(serve):
    asked = []

    def note(request):
        asked.append(request)
        return web.answer({})

    inside = serve(note)

    with pytest.raises(Unreachable, match="303"):
        fetch(serve(lambda _: web.redirect(inside)), form={"client_secret": "x"})
    assert asked == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nothing", b"null", b'"x"', b"{", b"[" * 100_000, b"\xff{}"]
)
def test_what_is_no_object_is_no_answer(serve, body):
    with pytest.raises(Unreachable):
        fetch(serve(lambda _: web.Response(200, body)))


def test_an_endless_answer_is_cut(serve):
    with pytest.raises(Unreachable):
        fetch(serve(lambda _: web.Response(200, b'{"a": "' + b"x" * 300_000 + b'"}')))


def test_a_silent_directory_is_given_up(serve, monkeypatch):
    monkeypatch.setattr(fetching, "_SECONDS", 0.2)

    def sleep(_request):
        time.sleep(1)
        return web.answer({})

    place = serve(sleep)
    began = time.monotonic()

    with pytest.raises(Unreachable):
        fetch(place)
    assert time.monotonic() - began < 0.9


def test_nobody_there_is_no_answer():
    with pytest.raises(Unreachable):
        fetch("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://10.0.0.8/", "https://169.254.169.254/latest/"),
        *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fd00::1]/"),
        *("https://0.0.0.0/", "https://localhost/", "https://2130706433/", "https://127.1/"),
        *("https://192.168.1.1/", "https://100.64.0.1/", "https://224.0.0.1/"),
    ],
)
def test_private_places_are_not_asked_in_production(url, settings, monkeypatch):
    settings.PRIVATE_DIRECTORIES = False
    asked = []
    monkeypatch.setattr("socket.create_connection", lambda *told: asked.append(told))

    with pytest.raises(Unreachable):
        fetch(url)
    assert asked == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000/", "http://localhost/", "http://id.test/", "ftp://id.test/", "x", ""],
)
def test_plain_http_is_for_loopback_outside_production(url, settings):
    settings.IS_PRODUCTION = True

    with pytest.raises(NotAPlace):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *("https://ada@id.test/", "https://ada:secret@id.test/", "https://id.test/#top"),
        *("https://id.test/a b", "https://id.test/\n", "https://\xefd.test/", "https:///x"),
        *("https://id.test:port/", "https://[::1/"),
    ],
)
def test_what_is_no_plain_address_is_no_place(url):
    with pytest.raises(NotAPlace):
        checked_url(url)


def test_one_private_address_among_public_ones_is_enough_to_refuse(settings, monkeypatch):
    settings.PRIVATE_DIRECTORIES = False
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found("93.184.216.34", "10.0.0.8"))
    monkeypatch.setattr("socket.create_connection", lambda *told: asked.append(told))

    with pytest.raises(Unreachable):
        fetch("https://id.test/")
    assert asked == []


def found(*addresses):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("https://id.test/", "93.184.216.34", 443),
        ("https://id.test/", "::ffff:93.184.216.34", 443),
        ("http://localhost:81/", "127.0.0.1", 81),
    ],
)
def test_the_address_that_was_checked_is_the_one_that_is_asked(
    url, address, port, settings, monkeypatch
):
    lookups, asked = [], []

    def look_up(*told, **_):
        lookups.append(told)
        return found(address if len(lookups) == 1 else "10.0.0.8")

    def connect(*told):
        asked.append(told)
        raise OSError("nobody there")

    settings.PRIVATE_DIRECTORIES = address == "127.0.0.1"
    monkeypatch.setattr("socket.getaddrinfo", look_up)
    monkeypatch.setattr("socket.create_connection", connect)

    with pytest.raises(Unreachable):
        fetch(url)
    assert asked == [((address, port), 5.0)]
    assert len(lookups) == 1


def test_a_directory_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setattr(fetching, "_SECONDS_IN_ALL", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=(server,))
        thread.start()
        began = time.monotonic()

        with pytest.raises(Unreachable):
            fetch(f"http://127.0.0.1:{server.getsockname()[1]}/")
        took = time.monotonic() - began
        thread.join()

    assert took < 2


def trickle(server):
    """Answer with an object of thirty letters, one in a tenth of a second."""
    line, _ = server.accept()
    with line:
        line.recv(65_536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        try:
            for letter in b'{"a": "xxxxxxxxxxxxxxxxxxxxx"}':
                line.sendall(bytes([letter]))
                time.sleep(0.1)
        except OSError:
            return  # the other side has hung up, as it should


@pytest.fixture
def safe_place(serve, tmp_path):
    """The port of a place over TLS, with a certificate for 127.0.0.1, and a file to trust it by."""
    context, file = self_signed(tmp_path)
    place = serve(lambda _: web.answer({"a": 1}), context=context)
    return place.rstrip("/").rpartition(":")[2], file


def test_a_certificate_that_somebody_vouches_for_is_trusted(safe_place, monkeypatch):
    port, file = safe_place
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert fetch(f"https://127.0.0.1:{port}/") == {"a": 1}


def test_a_certificate_that_nobody_vouches_for_is_not(safe_place):
    with pytest.raises(Unreachable):
        fetch(f"https://127.0.0.1:{safe_place[0]}/")


def test_a_certificate_of_another_name_is_not(safe_place, monkeypatch):
    port, file = safe_place
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with pytest.raises(Unreachable):
        fetch(f"https://localhost:{port}/")
