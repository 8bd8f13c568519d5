"""Start an outside server as a process of its own, and stop it by its process id.

A server that is started here also stops when the starting process dies, because it watches its
standard input.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).resolve().parent


class DidNotStart(Exception):
    """The server said nothing, or something else than where it listens."""


class OutsideServer:
    """A running server; use it with ``with``, or call ``start`` and ``stop``."""

    program: str

    def __init__(self, *arguments: str, port: int = 0, book: Path) -> None:
        self.book = book
        self.url = ""
        self._command = [
            *(sys.executable, str(HERE / self.program), "--port", str(port)),
            *("--book", str(book), "--until-stdin-closes", *arguments),
        ]
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        if self._process is None:
            raise DidNotStart(f"{self.program} is not running.")
        return self._process.pid

    def start(self, *, within: float = 15) -> Self:
        """Start the server and wait until it says where it listens.

        :param within: seconds.
        :raises DidNotStart: when it does not.
        """
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], within)
        said = self._process.stdout.readline() if ready else ""
        if not said.startswith("listening on "):
            self.stop()
            raise DidNotStart(f"{self.program} said {said!r}.")
        self._heard(said.removeprefix("listening on ").split())
        return self

    def _heard(self, places: list[str]) -> None:
        self.url = places[0]

    def stop(self) -> int:
        """Stop the server by its process id and return its exit code; kill it after 10 seconds."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def ask(self, path: str, value: object = None, *, method: str = "") -> Any:
        """Send JSON to a control endpoint (or GET it, without a value); return the JSON answer.

        :raises urllib.error.HTTPError: when the server refuses.
        """
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            self.url + path, data=body, method=method or ("GET" if body is None else "POST")
        )
        with urllib.request.urlopen(request, timeout=15) as got:
            return json.loads(got.read())
