"""``make chaos NAME=month_end``: the demo's month ends while five workers are killed at their work.

The demo is told twice: undisturbed, and with one SIGKILL for each kind of job that a month end
needs, each to a process that holds a lease. Both must keep every promise that the demo checks, and
the frozen invoices, their LEDES files and what became of them must be the same in both, byte for
byte. CHAOS_SEED chooses the moments; it is printed. Ends with 0 only if all of that holds.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from billing_portal import postgres
from tests.chaos.killing import Kill, Killer

ROOT = Path(__file__).resolve().parents[2]
KINDS = [
    "draft_items_later",
    "finalize_run_later",
    "render_documents_later",
    "deliver_later",
    "submit_later",
]
PATIENCE = 600
_INVOICES = """
    select firm.slug, invoice.number, frozen.sha256, invoice.state,
        invoice.total, array(
            select document.kind || ' ' || document.snapshot_sha256 ||
                case when document.kind like 'ledes%' then ' ' || document.sha256 else '' end
            from invoices_document document where document.invoice_id = invoice.id order by 1),
        (select count(*) from invoices_delivery d where d.invoice_id = invoice.id),
        array(select s.state from invoices_submission s
            where s.invoice_id = invoice.id order by s.id)
    from invoices_invoice invoice
    join tenancy_tenant firm on firm.id = invoice.tenant_id
    left join invoices_frozeninvoice frozen on frozen.invoice_id = invoice.id
    where invoice.number <> ''
    order by 1, 2
"""


def tell(name: str, seed: int | None) -> tuple[list[Any], list[Kill]]:
    """Tell the demo's story on a database of its own; return its invoices and who was killed.

    :raises SystemExit: when the story does not end well.
    """
    env = {**os.environ, "DEMO_SERVE": "0", "DEMO_DATABASE": name, "JOB_BEAT_SECONDS": "1"}
    shutil.rmtree(ROOT / "var" / name, ignore_errors=True)  # its logs say how far the story is
    server = postgres.ensure_running()
    began = time.monotonic()
    story = subprocess.Popen([sys.executable, "-m", "tests.demo"], cwd=ROOT, env=env)
    killer = None
    try:
        if seed is not None:
            killer = _killer(server, name, story, seed)
        status = story.wait(PATIENCE)
    finally:
        kills = killer.stop() if killer else []
        if story.poll() is None:
            story.terminate()
            story.wait(30)
    print(f"chaos: {name} ended {status} after {time.monotonic() - began:.0f} s", flush=True)
    for kill in kills:
        print(f"chaos: killed process {kill.pid} at {kill.kind} (job {kill.job})", flush=True)
    if status:
        raise SystemExit(f"chaos: the story of {name} ended {status}; see var/{name}")
    with psycopg.connect(server.url("postgres", name)) as connection:
        return connection.execute(_INVOICES).fetchall(), kills


def _killer(
    server: postgres.Server, name: str, story: subprocess.Popen[bytes], seed: int
) -> Killer:
    """Start the killer as soon as the story has its database and its jobs."""
    ready = ROOT / "var" / name / "workers.log"
    deadline = time.monotonic() + 120
    while story.poll() is None and time.monotonic() < deadline and not ready.exists():
        time.sleep(0.2)
    killer = Killer(server.url("postgres", name), KINDS, within=0.25, random=random.Random(seed))
    killer.start()
    return killer


def main() -> int:
    """Tell both stories and hold them against each other."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    print(f"chaos: CHAOS_SEED={seed}", flush=True)
    plain, _ = tell("chaos_plain", None)
    killed, kills = tell("chaos_killed", seed)
    different = [pair for pair in zip(plain, killed, strict=False) if pair[0] != pair[1]]
    for one, other in different[:10]:
        print(f"chaos: undisturbed {one}\nchaos:      killed {other}")
    checks = {
        f"{len(KINDS)} processes with a lease were killed": len(kills) == len(KINDS),
        f"the same {len(plain)} invoices": bool(plain) and len(plain) == len(killed),
        "each equal to the undisturbed run's": not different,
    }
    for text, holds in checks.items():
        print(f"chaos: {'ok' if holds else 'FAILED'}: {text}")
    summary = {"seed": seed, "kills": [kill.kind for kill in kills], "checks": checks}
    (ROOT / "var" / "chaos_killed" / "chaos.json").write_text(json.dumps(summary, indent=2) + "\n")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
