"""HTML to PDF with WeasyPrint, in child processes that can open nothing but what they are given.

A document is hostile until printed: a narrative may hold a link to a local file, a style may grow
without end. So printing happens in a child with an empty environment, limits on memory, processor
and time, and a fetcher that serves the assets passed in under the names ``asset:<name>`` and
refuses everything else (see ``pdf_child``). Same input, same bytes: no clock, no chance, and the
file's identifier is a hash of what was asked.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from multiprocessing.util import Finalize
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Self

from billing_portal.errors import Refused

_ROOT = Path(__file__).resolve().parents[2]
_LENGTH = struct.Struct(">Q")
_START_SECONDS = 60
_MOST_INPUT_BYTES = 64 * 2**20
_ERROR_NAME = re.compile(r"^(?:\w+\.)*(\w+Error)\b", re.MULTILINE)
_OUT_OF_MEMORY = (b"MemoryError", b"failed to allocate", b"bad_alloc", b"Cannot allocate")


class PdfRefused(Refused):
    """The document cannot be printed as it is; printing it again ends the same way."""

    code = "pdf.refused"


class AssetNotAllowed(PdfRefused):
    """The document names a file, an address or an attachment that it was not given."""

    code = "pdf.asset_not_allowed"


class TooBig(PdfRefused):
    """The document, its assets or the memory to lay it out pass the limit."""

    code = "pdf.too_big"


class TimedOut(PdfRefused):
    """The document was not laid out within its time."""

    code = "pdf.timed_out"


class PrinterDied(Exception):
    """A child ended for no reason of the document that is known. It may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfMetadata:
    """What the file says about itself; nothing of it is taken from HTML but a title left empty.

    :ivar made_at: when the document was made, with its zone; None leaves the file undated.
    """

    title: str = ""
    author: str = ""
    subject: str = ""
    keywords: tuple[str, ...] = ()
    made_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.made_at is not None and self.made_at.tzinfo is None:
            raise ValueError("A moment has a zone.")


NO_METADATA = PdfMetadata()
_REFUSALS: dict[str, type[PdfRefused]] = {
    kind.code: kind for kind in (PdfRefused, AssetNotAllowed, TooBig, TimedOut)
}


def print_pdf(
    html: str,
    *,
    assets: Mapping[str, bytes],
    style: str = "",
    metadata: PdfMetadata = NO_METADATA,
    timeout_seconds: float = 20,
    memory_mib: int = 512,
) -> bytes:
    """Return the HTML as a PDF, printed by a child started for it. See ``PdfPrinter.print``."""
    with PdfPrinter(children=1) as printer:
        return printer.print(
            html,
            assets=assets,
            style=style,
            metadata=metadata,
            timeout_seconds=timeout_seconds,
            memory_mib=memory_mib,
        )


def warm_printer() -> PdfPrinter:
    """Return this process's own printer, started when it is first asked for.

    One child stays warm while the process lives; it ends with it, also when it is killed, because
    its pipe is closed then. Starting a child for each document would cost more than printing it.
    """
    known = _WARM.get(os.getpid())
    if known is None:
        known = _WARM[os.getpid()] = PdfPrinter(children=1)
        known.__enter__()
        Finalize(None, known.__exit__, args=(None, None, None), exitpriority=1)
    return known


_WARM: dict[int, PdfPrinter] = {}  # by process: a forked worker does not share its parent's child


class PdfPrinter:
    """Keeps children warm, one document each at a time; threads may share it.

    A child that died is replaced before the next document, and so is one after ``recycle_after``
    documents, because native libraries keep what they once took.
    """

    def __init__(self, *, children: int = 2, recycle_after: int = 100) -> None:
        if children < 1 or recycle_after < 1:
            raise ValueError("A printer has at least one child, which prints at least once.")
        self._children = children
        self._recycle_after = recycle_after
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pdf-")
        for _ in range(self._children):
            self._idle.put(self._new_child())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _ in range(self._children):
            self._idle.get().end()
        if self._folder is not None:
            self._folder.cleanup()
        self._folder = None

    def print(
        self,
        html: str,
        *,
        assets: Mapping[str, bytes],
        style: str = "",
        metadata: PdfMetadata = NO_METADATA,
        timeout_seconds: float = 20,
        memory_mib: int = 512,
    ) -> bytes:
        """Return the HTML as a PDF; waits for an idle child.

        :param assets: what the document may open, by name: ``asset:logo.png`` in the HTML.
        :param style: CSS of ours that many documents share: a child parses it once. The sheets of
            the document itself go before it.
        :param timeout_seconds: wall clock from the moment that a warm child has the document.
        :param memory_mib: address space of the child; one page takes about 300.
        :raises AssetNotAllowed: when the document asks for anything else, or attaches a file.
        :raises TooBig: when input, output or memory pass a limit.
        :raises TimedOut: when time or processor time ran out.
        :raises PdfRefused: when the document is nested too deep, or an asset of it is broken.
        :raises PrinterDied: when the child ended for no known reason.
        """
        asked = _request(
            {"html": html, "style": style}, assets, metadata, timeout_seconds, memory_mib
        )
        child = self._idle.get()
        try:
            if not child.is_fit:
                child = self._replaced(child)
            return child.print(asked, timeout_seconds)
        finally:
            self._idle.put(child)

    def _replaced(self, child: _Child) -> _Child:
        child.end()
        return self._new_child()

    def _new_child(self) -> _Child:
        if self._folder is None:
            raise RuntimeError("A printer prints inside its with block.")
        return _Child(Path(tempfile.mkdtemp(dir=self._folder.name)), self._recycle_after)


class _Child:
    """One process. It answers each request with a header and, if all went well, the PDF."""

    def __init__(self, folder: Path, prints_left: int) -> None:
        self._prints_left = prints_left
        self._is_ready = False
        self._complaints = folder / "stderr"
        with self._complaints.open("wb") as complaints:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-m", "invoices.gateways.pdf_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd=_ROOT,
                env=_environment(folder),
                start_new_session=True,
            )

    @property
    def is_fit(self) -> bool:
        return self._prints_left > 0 and self._process.poll() is None

    def print(self, asked: bytes, timeout_seconds: float) -> bytes:
        self._prints_left -= 1
        if not self._is_ready:
            self._await_ready()
        with self._killed_after(timeout_seconds) as overdue:
            answer = self._exchange(asked)
        if overdue.is_set():
            raise TimedOut(f"The document was not laid out within {timeout_seconds:g} seconds.")
        if answer is None:
            raise self._reason_of_death(timeout_seconds)
        header, pdf = answer
        if "code" in header:
            if header["code"] == TooBig.code:
                self._prints_left = 0  # short of memory, the child ends after this answer
            raise _REFUSALS[header["code"]](header["message"])
        return pdf

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._prints_left = 0
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _close(pipe)

    def _await_ready(self) -> None:
        with self._killed_after(_START_SECONDS):
            header = self._read()
        if header is None:
            self.end()
            raise PrinterDied("The child did not start.")
        self._is_ready = True

    def _exchange(self, asked: bytes) -> tuple[dict[str, Any], bytes] | None:
        """Return the answer, or None when the child ended before it was complete."""
        stdin = self._process.stdin
        if stdin is None:
            raise RuntimeError("The child has no pipe.")
        try:
            stdin.write(_LENGTH.pack(len(asked)))
            stdin.write(asked)
            stdin.flush()
        except BrokenPipeError:
            return None
        header = self._read()
        pdf = self._read() if header is not None else None
        if header is None or pdf is None:
            return None
        return json.loads(header), pdf

    def _read(self) -> bytes | None:
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("The child has no pipe.")
        size = stdout.read(_LENGTH.size)
        if len(size) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(size)
        data = stdout.read(length)
        return data if len(data) == length else None

    def _reason_of_death(self, timeout_seconds: float) -> Exception:
        self._prints_left = 0
        ended = self._process.wait()
        if ended == -signal.SIGXCPU:
            return TimedOut(f"The document was not laid out within {timeout_seconds:g} seconds.")
        # What the child wrote may hold words of the document: looked at, never passed on.
        complaints = self._complaints.read_bytes()[-20_000:]
        if any(words in complaints for words in _OUT_OF_MEMORY):
            return TooBig("The document needs more memory than a document may.")
        causes = _ERROR_NAME.findall(complaints.decode(errors="replace"))
        return PrinterDied(" ".join(["The child ended with", str(ended), *causes[-1:]]) + ".")

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[threading.Event]:
        """Kill the child when the block takes longer; reads and writes then end by themselves."""
        overdue = threading.Event()

        def kill() -> None:
            overdue.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            yield overdue
        finally:
            timer.cancel()
            timer.join()
            if overdue.is_set():
                self._process.wait()


def _request(
    texts: Mapping[str, str],
    assets: Mapping[str, bytes],
    metadata: PdfMetadata,
    timeout_seconds: float,
    memory_mib: int,
) -> bytes:
    if sum(map(len, [*texts.values(), *assets.values()])) > _MOST_INPUT_BYTES:
        raise TooBig(f"A document and its assets have at most {_MOST_INPUT_BYTES >> 20} MiB.")
    facts = asdict(metadata)
    facts["made_at"] = metadata.made_at.isoformat(timespec="seconds") if metadata.made_at else None
    return json.dumps(
        {
            **texts,
            "assets": {name: base64.b64encode(data).decode() for name, data in assets.items()},
            "metadata": facts,
            "cpu_seconds": timeout_seconds,
            "memory_mib": memory_mib,
        }
    ).encode()


def _environment(folder: Path) -> dict[str, str]:
    """Return all that a child may know: no secret of ours is among it."""
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
    }


def _close(pipe: IO[bytes]) -> None:
    """Close a pipe to a process that is dead; what was left in its buffer has no reader."""
    try:
        pipe.close()
    except BrokenPipeError:
        return
