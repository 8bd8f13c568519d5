"""Handing a file to a carrier, and looking for one there, in a real Chromium.

Playwright drives the browser that Debian ships as ``chromium-headless-shell``. Each sign-in has a
context of its own, nothing is kept afterwards, and no process outlives the call. Requests to any
place but the carrier's own are cut off twice: by the page's request filter, and by name resolution,
which also holds for redirects that the filter does not see.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from invoices.gateways.carriers.base import (
    Credentials,
    Outcome,
    OutcomeUnknown,
    UploadFile,
    Wanted,
)
from invoices.gateways.carriers.browser_visit import Visit
from invoices.gateways.carriers.recipe import Recipe

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium-headless-shell", "chromium")
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-first-run",
    "--no-pings",
    "--no-proxy-server",
)


class NoBrowser(RuntimeError):
    """No Chromium is installed where this runs."""


def submit(
    recipe: Recipe,
    credentials: Credentials,
    file: UploadFile,
    *,
    origin: str,
    invoice_number: str = "",
    earlier: Sequence[str] = (),
    executable: str = "",
) -> Outcome:
    """Sign in, hand the file over, and return the carrier's definite answer.

    :param origin: scheme, host and port of the carrier's site; https, or http on loopback.
    :param invoice_number: for recipes that fill it into a form.
    :param earlier: references of earlier uploads of the file, whose answers are not this one's.
    :raises LoginRefused: when the credentials are not taken.
    :raises CodeWanted: when a one-time code or CAPTCHA stands in the way.
    :raises PageChanged: when a page is not the one that the recipe knows; nothing was handed over.
    :raises CarrierDown: when the site does not answer; nothing was handed over.
    :raises OutcomeUnknown: when the file was sent and no definite answer came; look it up.
    :raises NoBrowser: when there is no Chromium.
    """
    values = {
        "file_name": file.name,
        "sha256": file.sha256,
        "invoice_number": invoice_number,
        "new": _without(earlier),
    }
    with _visit(recipe, credentials, values, origin=origin, executable=executable) as visit:
        visit.follow("sign_in", recipe.sign_in)
        visit.follow("upload", recipe.upload, file=file)
        visit.follow("answer", recipe.answer)
        outcome = visit.outcome("answer")
        if outcome.reference in earlier:
            text = f"The site shows the answer to an earlier upload, {outcome.reference}."
            raise OutcomeUnknown(text, step="answer", evidence=outcome.evidence)
        return outcome


def look_up(
    recipe: Recipe,
    credentials: Credentials,
    wanted: Wanted,
    *,
    origin: str,
    earlier: Sequence[str] = (),
    executable: str = "",
) -> Outcome | None:
    """Sign in and return what the carrier says about a file, or nothing when it is not there.

    Where the site shows hashes, only the very same bytes count as found, and never what an earlier
    upload was answered. Hands nothing over.

    :raises LoginRefused, CodeWanted, PageChanged, CarrierDown, NoBrowser: as ``submit``.
    """
    values = {
        "file_name": wanted.file_name,
        "sha256": wanted.sha256,
        "invoice_number": wanted.invoice_number,
        "new": _without(earlier),
    }
    with _visit(recipe, credentials, values, origin=origin, executable=executable) as visit:
        visit.follow("sign_in", recipe.sign_in)
        visit.follow("look_up.steps", recipe.look_up.steps)
        if not visit.sees(recipe.look_up.found, rather_than=recipe.look_up.nothing):
            return None
        visit.follow("look_up.answer", recipe.look_up.answer)
        if visit.read.get("sha256", wanted.sha256) != wanted.sha256:
            return None
        if visit.read.get("reference") in earlier:
            return None
        return visit.outcome("look_up.answer")


def _without(references: Sequence[str]) -> str:
    """Return the end of a selector that leaves out what shows one of these references."""
    return "".join(f":not(:has(:text-is({json.dumps(each)})))" for each in references)


@contextmanager
def _visit(
    recipe: Recipe,
    credentials: Credentials,
    values: Mapping[str, str],
    *,
    origin: str,
    executable: str,
) -> Iterator[Visit]:
    origins = [checked_origin(each) for each in (origin, *recipe.also_allowed)]
    with _browser(origins, executable) as browser:
        context = browser.new_context(
            accept_downloads=False, service_workers="block", locale="en-US", timezone_id="UTC"
        )
        try:
            visit = Visit(context, recipe, credentials, values, origins)
            yield visit
        finally:
            context.close()


@contextmanager
def _browser(origins: list[str], executable: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    hosts = {urlsplit(origin).hostname for origin in origins}
    excluded = "".join(f", EXCLUDE {host}" for host in sorted(filter(None, hosts)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable or _chromium(),
            headless=True,
            chromium_sandbox=os.geteuid() != 0,  # root cannot use it
            args=[*_QUIET, f"--host-resolver-rules=MAP * ~NOTFOUND{excluded}"],
            env={"PATH": os.defpath, "HOME": "/nonexistent", "LANG": "C.UTF-8"},
        )
        try:
            yield browser
        finally:
            browser.close()


def _chromium() -> str:
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise NoBrowser(f"None of {', '.join(_NAMES)} is installed.")


def version_by_a_page(html: str, *, executable: str = "") -> str:
    """Return the browser's version, once it has shown a page that was handed to it.

    :raises NoBrowser: when there is no Chromium.
    """
    with _browser([], executable) as browser:
        page = browser.new_page()
        page.set_content(html)
        if not page.inner_text("body").strip():
            raise NoBrowser("The page stayed empty.")
        return browser.version


def checked_origin(origin: str) -> str:
    """Return an origin without a slash at its end.

    :raises ValueError: when it is no origin, or would carry a password in the clear.
    """
    parts = urlsplit(origin.rstrip("/"))
    if not parts.hostname or parts.path or parts.query or parts.username:
        raise ValueError(f"{origin!r} is no origin.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError(f"{origin!r} is not encrypted.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
