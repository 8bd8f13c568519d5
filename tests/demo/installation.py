"""A whole installation on loopback: database, web server, workers, and what lies outside.

Everything started here is stopped here, by process id.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from billing_portal import postgres

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = os.environ.get("DEMO_DATABASE", "demo")  # two demos side by side need two names
DEMO = ROOT / "var" / DATABASE


class Refusal(Exception):
    """The portal did not answer as the story needs."""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def manage(*arguments: str) -> str:
    """Run one of the portal's commands and return what it prints."""
    run = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise Refusal(f"manage.py {arguments[0]}: {run.stdout[-1000:]} {run.stderr[-2000:]}")
    return run.stdout


def fresh_database() -> None:
    """Make the demo's database anew on the embedded server, and migrate it."""
    server = postgres.ensure_running()
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        drop = sql.SQL("drop database if exists {} with (force)")
        connection.execute(drop.format(sql.Identifier(DATABASE)))
    postgres.ensure_database(server, DATABASE)
    os.environ["DATABASE_URL"] = server.url(postgres.APP_ROLE, DATABASE)
    os.environ["DATABASE_OWNER_URL"] = server.url(postgres.OWNER_ROLE, DATABASE)
    os.environ["ANCHORS_DIR"] = str(DEMO / "anchors")  # of this database, not of the one before
    os.environ["FILES_DIR"] = str(DEMO / "files")
    manage("migrate", "-v0")


@contextlib.contextmanager
def running(name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process beside the story; its output goes to a log below var/demo."""
    with (DEMO / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def portal(port: int) -> Iterator[str]:
    """Serve the portal and run its workers; yields its address once it is ready."""
    address = os.environ["SITE_URL"] = f"http://127.0.0.1:{port}"
    web = (
        *(sys.executable, "-m", "gunicorn", "--config", "python:billing_portal.web_server"),
        *("--bind", f"127.0.0.1:{port}"),
    )
    with running("web", *web), running("workers", sys.executable, "manage.py", "workers"):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                if Browser(address).get("/readyz").status == 200:
                    yield address
                    return
            time.sleep(0.2)
        raise Refusal(f"the portal did not become ready: {(DEMO / 'web.log').read_text()[-2000:]}")


class Answer:
    """What came back."""

    def __init__(self, status: int, url: str, body: bytes) -> None:
        self.status, self.url, self.body = status, url, body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Browser:
    """A person's cookies and forms, without the pictures."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._open = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        ).open

    def get(self, path: str, **headers: str) -> Answer:
        """Follow a link."""
        return self._send(urllib.request.Request(self.address + path, headers=headers))

    def post(self, path: str, **fields: str | list[str]) -> Answer:
        """Fill in the form at a path and send it."""
        page = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if token is None:
            raise Refusal(f"no form at {path} ({page.status})")
        named = {"csrfmiddlewaretoken": token[1], **fields}
        data = urllib.parse.urlencode(named, doseq=True).encode()
        headers = {"Referer": self.address + path}
        return self._send(urllib.request.Request(self.address + path, data, headers))

    def press(self, page: str, target: str, **fields: str) -> Answer:
        """Press the button of a form on a page that leads to a target.

        :raises Refusal: when the page shows no such form.
        """
        shown = self.get(page)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown.text)
        if token is None or f'action="{target}"' not in shown.text:
            raise Refusal(f"{page} has no form to {target} ({shown.status})")
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        headers = {"Referer": self.address + page}
        return self._send(urllib.request.Request(self.address + target, data, headers))

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._open(request, timeout=30) as response:
                return Answer(response.status, response.url, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.url or "", error.read())
