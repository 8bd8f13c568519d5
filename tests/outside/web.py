"""What the outside servers share: a threaded web server on loopback, requests and answers.

Standard library only. The servers under this folder stand for other companies: they import no room
of the portal, and know only what they received.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """A file as it came in a form: the name the sender gave, and the bytes, untouched."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Request:
    """One request, taken apart."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, str]
    uploads: Mapping[str, Upload]
    cookies: Mapping[str, str]

    def json(self) -> Any:
        """Return the body as JSON.

        :raises ValueError: when it is none.
        """
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Response:
    """One answer. ``cut`` closes the connection without a word instead."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())
    cut: bool = False


def page(text: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return an HTML answer."""
    return Response(status, text.encode(), headers=headers)


def answer(value: object, *, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(status, json.dumps(value, indent=1).encode(), "application/json")


def redirect(path: str, *, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Send the browser to another page of the same site."""
    return Response(303, headers=(("Location", path), *headers))


def moment() -> str:
    """Return the moment now by this server's own clock, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")


def parts_of(body: bytes, content_type: str) -> tuple[dict[str, str], dict[str, Upload]]:
    """Take a ``multipart/form-data`` body apart without changing a byte of a file."""
    fields: dict[str, str] = {}
    uploads: dict[str, Upload] = {}
    boundary = _parameter(content_type, "boundary").encode()
    if not boundary:
        return fields, uploads
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, gap, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not gap:
            continue
        disposition = _disposition(head.decode("utf-8", "replace"))
        name = _parameter(disposition, "name")
        if "filename=" in disposition:
            uploads[name] = Upload(_parameter(disposition, "filename"), data)
        else:
            fields[name] = data.decode("utf-8", "replace")
    return fields, uploads


def _disposition(head: str) -> str:
    for line in head.split("\r\n"):
        if line.lower().startswith("content-disposition:"):
            return line
    return ""


def _parameter(header: str, name: str) -> str:
    for piece in header.split(";")[1:]:
        key, _, value = piece.strip().partition("=")
        if key.lower() == name:
            return value.strip().strip('"')
    return ""


class _Handler(BaseHTTPRequestHandler):
    """Turn the wire into a Request and a Response into the wire. One request a connection."""

    app: Callable[[Request], Response]
    timeout = 30

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Say nothing: the book is the log."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self._send(page("<h1>Too large</h1>", status=413))
            return
        self._send(type(self).app(self._request(self.rfile.read(length))))

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        kind = self.headers.get("Content-Type", "")
        form: dict[str, str] = {}
        uploads: dict[str, Upload] = {}
        if kind.startswith("multipart/form-data"):
            form, uploads = parts_of(body, kind)
        elif kind.startswith("application/x-www-form-urlencoded"):
            form = _last(body.decode("utf-8", "replace"))
        return Request(
            method=self.command,
            path=parts.path,
            query=_last(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            form=form,
            uploads=uploads,
            cookies=_cookies(self.headers.get("Cookie", "")),
        )

    def _send(self, response: Response) -> None:
        if response.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)


def _last(encoded: str) -> dict[str, str]:
    return {name: found[-1] for name, found in parse_qs(encoded, keep_blank_values=True).items()}


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a visitor who hangs up go in silence; shout about everything else."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def listen(app: Callable[[Request], Response], *, port: int) -> ThreadingHTTPServer:
    """Bind the application to loopback, on a free port when ``port`` is 0."""
    handler = type("Handler", (_Handler,), {"app": staticmethod(app)})
    return _Server(("127.0.0.1", port), handler)


def arguments(about: str) -> argparse.ArgumentParser:
    """Return the command line that every outside server has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--book", required=True, help="the file in which the server keeps its book")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when the starting process is gone"
    )
    return parser


def run(server: ThreadingHTTPServer, *, also: str = "", until_stdin_closes: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, saying on one line where."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    if until_stdin_closes:
        threading.Thread(target=_wait_for_end_of_input, args=(over,), daemon=True).start()
    sys.stdout.write(f"listening on http://127.0.0.1:{server.server_address[1]}{also}\n")
    sys.stdout.flush()
    over.wait()
    server.shutdown()
    serving.join()
    server.server_close()


def _wait_for_end_of_input(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()
