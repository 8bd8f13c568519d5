"""The way out to directories: public places only, nothing followed, nothing without end."""

import threading
import time

import pytest

from billing_portal.directories import fetching
from billing_portal.directories.fetching import NotAPlace, Unreachable, checked_url, fetch
from tests.outside import web


@pytest.fixture
def serve():
    """Serve a function on loopback; returns its address."""
    running = []

    def start(app):
        server = web.listen(app, port=0)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


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
