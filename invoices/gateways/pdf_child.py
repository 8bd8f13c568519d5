"""The child process of ``pdf``: reads a request, answers with a PDF or a refusal, and again.

Three walls. The fetcher serves the assets of the request and nothing else, and remembers what it
refused, because the SVG renderer swallows even fatal errors. An audit hook refuses sockets,
processes and files outside the interpreter's packages and the child's own folder. The limits of
the kernel bound memory, processor time and file size.

A frame is its length as eight bytes, big-endian, and the data. A request is one frame of JSON; an
answer is two: a header (empty, or ``code`` and ``message``) and the PDF. Standard output belongs to
the frames alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import resource
import struct
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

import weasyprint  # noqa: TID253 -- this process exists to import it
from weasyprint.text.fonts import FontConfiguration  # noqa: TID253
from weasyprint.urls import (  # noqa: TID253
    FatalURLFetchingError,
    URLFetcher,
    URLFetcherResponse,
)

_LENGTH = struct.Struct(">Q")
_MOST_PDF_BYTES = 64 * 2**20
_LONGEST_NAME = 200
_MOST_STYLES = 8
_SCHEME = "asset:"
_TYPES = {
    "css": "text/css",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "otf": "font/otf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "woff": "font/woff",
    "woff2": "font/woff2",
}
_NEVER = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system")


class _Refusal(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Assets(URLFetcher):  # type: ignore[misc] # the library has no types
    """Serves the named assets; stops the document at anything else."""

    def __init__(self, assets: dict[str, bytes], refused: list[str]) -> None:
        super().__init__(allowed_protocols=["asset"], allow_redirects=False, fail_on_errors=True)
        self._assets = assets
        self._refused = refused

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return an asset by its name."""
        name = unquote(url.removeprefix(_SCHEME))
        if not url.startswith(_SCHEME) or name not in self._assets:
            self._refused.append(url)
            raise FatalURLFetchingError(url)
        kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
        return URLFetcherResponse(url, self._assets[name], {"Content-Type": kind})


class _Fonts(FontConfiguration):  # type: ignore[misc] # the library has no types
    """The fonts of this machine; it notices when a document brings one of its own."""

    is_ours = True

    def add_font_face(self, rule_descriptors: Any, url_fetcher: Any) -> Any:
        """Take in a document's font: no other document may be printed with these fonts then."""
        self.is_ours = False
        return super().add_font_face(rule_descriptors, url_fetcher)


class _Kept:
    """What one document leaves for the next: fonts found and opened, and styles parsed."""

    def __init__(self) -> None:
        self._fonts = _Fonts()
        self._styles: dict[str, weasyprint.CSS] = {}

    def fonts(self) -> _Fonts:
        """Return the machine's fonts, and no font that a document has brought."""
        if not self._fonts.is_ours:
            self._fonts = _Fonts()
        return self._fonts

    def sheets(self, style: str, refused: list[str]) -> list[weasyprint.CSS]:
        """Return the style as a list of parsed sheets. A style may open nothing."""
        if not style:
            return []
        sheet = self._styles.get(style)
        if sheet is None:
            closed = _Assets({}, refused)
            fonts = self.fonts()
            sheet = weasyprint.CSS(
                string=style, base_url=_SCHEME, url_fetcher=closed, font_config=fonts
            )
            if fonts.is_ours and len(self._styles) < _MOST_STYLES:
                self._styles[style] = sheet
        return [sheet]


def _print(asked: dict[str, Any], refused: list[str], kept: _Kept) -> bytes:
    assets = {name: base64.b64decode(data) for name, data in asked["assets"].items()}
    html = weasyprint.HTML(
        string=asked["html"], base_url=_SCHEME, url_fetcher=_Assets(assets, refused)
    )
    sheets = kept.sheets(asked["style"], refused)
    document = html.render(font_config=kept.fonts(), stylesheets=sheets)
    if document.metadata.attachments or _attaches(document):
        raise _Refusal("pdf.asset_not_allowed", "The document attaches a file.")
    _describe(document.metadata, asked["metadata"])
    named = {key: asked[key] for key in ("html", "style", "assets", "metadata")}
    identifier = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:32]
    pdf: bytes = document.write_pdf(pdf_identifier=identifier.encode())
    return pdf


def _attaches(document: Any) -> bool:
    return any(link[0] == "attachment" for page in document.pages for link in page.links)


def _describe(metadata: Any, facts: dict[str, Any]) -> None:
    metadata.title = facts["title"] or metadata.title
    metadata.authors = [facts["author"]] if facts["author"] else []
    metadata.description = facts["subject"] or None
    metadata.keywords = facts["keywords"]
    metadata.generator = None
    metadata.custom = {}
    metadata.created = metadata.modified = facts["made_at"]


def _answer(
    asked: dict[str, Any], refused: list[str], mishaps: list[str], kept: _Kept
) -> tuple[dict[str, str], bytes]:
    """Return the header and the PDF. What was refused on the way counts, even if swallowed."""
    pdf = b""
    try:
        pdf = _print(asked, refused, kept)
    except _Refusal as refusal:
        return {"code": refusal.code, "message": str(refusal)}, b""
    except RecursionError:
        return {"code": "pdf.refused", "message": "The document is nested too deep."}, b""
    except (FatalURLFetchingError, PermissionError):
        if not refused:
            raise
    header = _objection(pdf, refused, mishaps)
    return header, b"" if header else pdf


def _objection(pdf: bytes, refused: list[str], mishaps: list[str]) -> dict[str, str]:
    """Return why a layout that came to its end does not count, or nothing."""
    if refused:
        message = f"The document may not open {refused[0][:_LONGEST_NAME]}."
        return {"code": "pdf.asset_not_allowed", "message": message}
    if mishaps:
        return {"code": "pdf.refused", "message": f"The layout reported: {mishaps[0]} …"}
    if len(pdf) > _MOST_PDF_BYTES:
        message = f"A file has at most {_MOST_PDF_BYTES >> 20} MiB."
        return {"code": "pdf.too_big", "message": message}
    return {}


class _Mishaps(logging.Handler):
    """Keeps what the layout reports as an error, such as a broken image, without its content."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text before the first value."""
        self._kept.append(str(record.msg).partition("%")[0].strip(' :"'))


def _limit(cpu_seconds: float, memory_mib: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime + cpu_seconds) + 1
    for what, soft in (
        (resource.RLIMIT_AS, memory_mib << 20),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, _MOST_PDF_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(
            what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
        )


def _wall_off(refused: list[str]) -> None:
    """Refuse, from now on, what laying out a page never needs.

    Fonts of a document are kept for a moment in a folder of our own: all of /tmp would be too much.
    """
    own = Path(tempfile.gettempdir()) / f"portal-pdf-{os.geteuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    tempfile.tempdir = str(own)
    allowed = tuple(
        os.path.join(os.path.realpath(folder), "")  # noqa: PTH118 -- audited code must not recurse
        for folder in {*sysconfig.get_paths().values(), tempfile.gettempdir()}
    )
    folders = {folder.rstrip(os.sep) for folder in allowed}

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_NEVER):
            refused.append(event)
            raise PermissionError(event)
        if event in {"open", "os.listdir", "os.scandir"} and isinstance(arguments[0], str | bytes):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path not in folders and not path.startswith(allowed):
                refused.append(f"file {path}")
                raise PermissionError(path)

    sys.addaudithook(watch)


def _read(stream: IO[bytes]) -> bytes | None:
    size = stream.read(_LENGTH.size)
    if not size:
        return None
    return stream.read(_LENGTH.unpack(size)[0])


def _write(stream: IO[bytes], *frames: bytes) -> None:
    for frame in frames:
        stream.write(_LENGTH.pack(len(frame)))
        stream.write(frame)
    stream.flush()


def main() -> None:
    """Serve requests until the parent closes the pipe, or one of them took all memory."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not break a frame
    refused: list[str] = []
    mishaps: list[str] = []
    logger = logging.getLogger("weasyprint")
    logger.handlers, logger.propagate = [_Mishaps(mishaps)], False
    kept = _Kept()
    weasyprint.HTML(string="<p>warm <b>warm").write_pdf(font_config=kept.fonts())
    _wall_off(refused)
    _write(stdout, b"{}")
    while (data := _read(stdin)) is not None:
        asked = json.loads(data)
        refused.clear()
        mishaps.clear()
        _limit(asked["cpu_seconds"], asked["memory_mib"])
        try:
            header, pdf = _answer(asked, refused, mishaps, kept)
        except MemoryError:
            message = "The document needs more memory than a document may."
            _write(stdout, json.dumps({"code": "pdf.too_big", "message": message}).encode(), b"")
            return
        _write(stdout, json.dumps(header).encode(), pdf)


if __name__ == "__main__":
    main()
