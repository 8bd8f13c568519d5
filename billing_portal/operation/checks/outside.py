"""The way out: mail, and the folders where files and anchors lie."""

from __future__ import annotations

import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from billing_portal.portal.findings import Finding, by_measure, fail, ok, warn

_GIB = 2**30
_LITTLE, _TOO_LITTLE = 5 * _GIB, _GIB


def outside(_now: datetime) -> Iterator[Finding]:
    """Look at the mail server, the folders, and what room there is on their disks."""
    yield _mail()
    yield _folder("files", "FILES_DIR")
    yield _folder("anchors", "ANCHORS_DIR")
    yield _apart()
    yield from _disks()


def _mail() -> Finding:
    place = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        with smtplib.SMTP(
            settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=settings.EMAIL_TIMEOUT
        ) as server:
            code, _ = server.noop()
    except OSError as error:  # of which smtplib's own are
        words = f"{place} does not answer ({type(error).__name__})"
        return fail("mail", words, "Start the server, or mend EMAIL_HOST and EMAIL_PORT.")
    return ok("mail", f"{place} answers {code}")


def _folder(what: str, setting: str) -> Finding:
    folder = Path(getattr(settings, setting))
    if not folder.is_dir():
        words = f"{folder} is not there"
        return fail(what, words, f"Make it, for the portal's user to write; {setting} names it.")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor-"):
            pass
    except OSError as error:
        words = f"{folder} cannot be written ({error.strerror})"
        return fail(what, words, "Give the portal's user the right to write there.")
    public = [Path(settings.STATIC_ROOT), *map(Path, settings.STATICFILES_DIRS)]
    if any(folder.resolve().is_relative_to(each.resolve()) for each in public):
        words = f"{folder} is served to everybody"
        return fail(what, words, f"Name a folder outside the static ones in {setting}.")
    return ok(what, str(folder))


def _apart() -> Finding:
    """Anchors prove something only where whoever bends the database does not write."""
    files, anchors = Path(settings.FILES_DIR), Path(settings.ANCHORS_DIR)
    if not (files.is_dir() and anchors.is_dir()) or files.stat().st_dev != anchors.stat().st_dev:
        return ok("anchors' disk", "another than that of the files")
    words = "the same as that of the files"
    advice = "Another disk or host is best: whoever bends the database should not reach it."
    return (warn if settings.IS_PRODUCTION else ok)("anchors' disk", words, *_given(advice))


def _given(advice: str) -> list[str]:
    return [advice] if settings.IS_PRODUCTION else []


def _disks() -> Iterator[Finding]:
    known = set()
    for setting in ("FILES_DIR", "ANCHORS_DIR"):
        folder = Path(getattr(settings, setting))
        if not folder.is_dir() or folder.stat().st_dev in known:
            continue
        known.add(folder.stat().st_dev)
        free = shutil.disk_usage(folder).free
        words = f"{free / _GIB:,.1f} GiB free for {folder}"
        advice = "Make room: invoices are printed once, and printing fails without it."
        yield by_measure(
            "disk", words, -free, warns_at=-_LITTLE, fails_at=-_TOO_LITTLE, advice=advice
        )
