"""``make demo``: two firms, their people, and a portal to look at.

With DEMO_SERVE=0 it ends after its checks, with 0 only if all of them hold; otherwise it serves
until Ctrl-C on DEMO_PORT. DEMO_DATABASE (demo) names its database and its folder below var/, where
the figures go to summary.json.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.demo import (
    directory,
    firms,
    ledes,
    outside_world,
    paying,
    pictures,
    reckoning,
    story,
    work,
)
from tests.demo.installation import DEMO, Refusal, free_port, fresh_database, portal

COUNTED = (
    *("charges", "drafts", "approved", "returned", "finalized", "ledes_files"),
    *("uploads_confirmed", "uploads_rejected", "paid", "partly_paid", "reminders"),
    "credit_notes",
)


def main() -> int:
    """Tell the story; say what came of it."""
    began = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir(parents=True)
    say("making a fresh database")
    fresh_database()
    serves = os.environ.get("DEMO_SERVE", "1") != "0"
    port = int(os.environ.get("DEMO_PORT", "8000")) if serves else free_port()
    with outside_world.world() as outside, portal(port) as address:
        say("opening two firms; their people accept their invitations")
        people = firms.open_both(address)
        summary, checks = tell(address, people, outside)
        summary |= {"checks": checks, "seconds": round(time.monotonic() - began, 1)}
        (DEMO / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        for name, holds in checks.items():
            say(f"{'ok' if holds else 'FAILED'}: {name}")
        if not all(checks.values()):
            return 1
        if os.environ.get("DEMO_PICTURES"):
            for place in pictures.take(address, work.System(address, firms.ARNESEN)):
                say(f"picture: {place.name}")
        if serves:
            serve(address, people, outside)
    return 0


def tell(
    address: str, people: list[firms.Person], outside: outside_world.World
) -> tuple[dict[str, Any], dict[str, bool]]:
    """Tell the story once the firms are open; return its figures and what must hold.

    Who works at a firm that opens on the way is added to ``people``.
    """
    say("checking that everybody gets in where they should, and nowhere else")
    checks = firms.check_doors(address, people)
    say("agreeing on a directory by which the travel desk signs in, too")
    directory.agree(address, outside.directory)
    checks |= directory.check(address, outside.directory)
    say("sending in customers, matters and two months of work")
    today = datetime.now(UTC).date()
    months = last_two_months(today)
    law, travel = work.law_firm(address, months), work.travel_desk(address, months)
    told = story.month_ends(address, months, law[0], travel[0], outside, today=today, say=say)
    summary: dict[str, Any] = {"firms": {}, "charges": law[1].charges + travel[1].charges}
    for firm, (system, sent) in ((firms.ARNESEN, law), (firms.MIRAMAR, travel)):
        books, own = reckoning.of_firm(firm, system, sent)
        summary["firms"][firm.slug] = books
        checks |= own
        told.ledes_files += books["ledes_files"]
    counts, own = outside_world.reckon(outside, law[0], travel[0])
    summary, checks = summary | counts, checks | own
    counts, own = paying.reckon((law[0], travel[0]), outside, told)
    summary, checks = summary | counts, checks | own
    if os.environ.get("LEDES"):
        path = Path(os.environ["LEDES"])
        say(f"taking {path.name} through the whole stair")
        others, figures, own = ledes.through_the_stair(address, path, today, told)
        people += others
        summary["firms"] |= figures
        summary["charges"] += sum(each["charges"] for each in figures.values())
        checks |= own
    summary |= asdict(told)
    return summary, checks | {f"there are {name}": summary[name] > 0 for name in COUNTED}


def last_two_months(today: date) -> list[date]:
    """Return the first days of the two months that ended last."""
    last = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return [(last - timedelta(days=1)).replace(day=1), last]


def serve(address: str, people: list[firms.Person], outside: outside_world.World) -> None:
    """Say who can sign in, and where; and wait for Ctrl-C."""
    print(f"\nThe portal is at {address}\nPassword of everybody: {firms.PASSWORD}\n")
    for person in people:
        print(f"  {person.role:<11} {person.email:<28} {person.firm.name}")
    print(f"\nBy its directory ({firms.MIRAMAR.name}): noor, password {directory.PASSWORD}")
    print("\nThe carriers' sites:")
    for carrier in outside_world.LAYOUTS:
        print(f"  {outside.carriers.url}/{carrier}/")
    print(f"  There: {outside_world.LOGIN}, password {outside_world.PASSWORD}")
    print("\nCtrl-C ends it; make stop ends its database.", flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()


def say(text: str) -> None:
    """Tell who watches what happens."""
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refusal:
        sys.exit(f"demo: {refusal}")
