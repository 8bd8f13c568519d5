"""The servers that stand for other companies know nothing of the portal.

They also end with the process that started them.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.outside.carrier.server import DemoCarriers
from tests.outside.process import DidNotStart

OUTSIDE = Path(__file__).parents[1] / "outside"
FILES = sorted(OUTSIDE.rglob("*.py"))
ALLOWED = {"aiosmtpd", "cryptography", "lxml", "signxml", *sys.stdlib_module_names}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield f"{node.module}" if node.level == 0 else "relative"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(OUTSIDE)))
def test_outside_servers_import_nothing_of_the_portal(path):
    strange = {
        name
        for name in imports_of(path)
        if name.split(".")[0] not in ALLOWED and not f"{name}.".startswith("tests.outside.")
    }

    assert strange == set()


def test_an_outside_server_that_cannot_start_is_an_error(tmp_path):
    config = tmp_path / "bad.json"
    config.write_text('{"carriers": [{"key": "x"}]}')

    with pytest.raises(DidNotStart):
        DemoCarriers(book=tmp_path / "carriers.db", config=config).start()


def test_an_outside_server_ends_with_the_process_that_started_it(tmp_path):
    starter = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.outside.carrier.server import DemoCarriers\n"
        f"server = DemoCarriers(book=Path({str(tmp_path / 'c.db')!r})).start()\n"
        "sys.stdout.write(str(server.pid)); sys.stdout.flush(); os._exit(0)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", starter],
        cwd=OUTSIDE.parents[1],
        stdout=subprocess.PIPE,
        check=True,
        timeout=30,
    )
    pid = int(told.stdout)

    ends = time.monotonic() + 10
    while _is_running(pid) and time.monotonic() < ends:
        time.sleep(0.05)

    assert not _is_running(pid)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    return state != "Z"
