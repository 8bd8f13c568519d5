"""The two month ends, told in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from tests.demo import month_end, outside_world, paying, work
from tests.demo.firms import ARNESEN, MIRAMAR
from tests.demo.month_end import Office, Told
from tests.demo.outside_world import World
from tests.demo.work import System


def month_ends(
    address: str,
    months: list[date],
    law: System,
    travel: System,
    outside: World,
    *,
    today: date,
    say: Callable[[str], None],
) -> Told:
    """Bill both months of both firms: run, review, final, files, mail and uploads."""
    told = Told()
    arnesen, miramar = Office(address, ARNESEN), Office(address, MIRAMAR)
    say("agreeing terms with 40 customers in the back office")
    first_day = months[0]
    month_end.agree_terms(arnesen, work.insurers_terms(first_day, "Priya Raman"))
    month_end.agree_terms(miramar, work.travelers_terms(first_day, "Noor Aziz"))
    say("setting up three carriers")
    outside_world.engage_carriers(arnesen, law, outside)
    for month in months:
        is_last = month == months[-1]
        say(f"month end of {month:%B}: {ARNESEN.name}")
        _law_firm(arnesen, law, month, told, edits=3 if is_last else 1, leaves_some=is_last)
        say(f"month end of {month:%B}: {MIRAMAR.name}")
        _travel_desk(miramar, travel, month, told, leaves_some=is_last)
    say("waiting for files, mail and uploads")
    for system in (law, travel):
        month_end.until_idle(system)
    say("taking in the banks' files, crediting an invoice, reminding who is late")
    paying.get_paid((arnesen, miramar), (law, travel), outside, today, told)
    return told


def _law_firm(
    office: Office, system: System, month: date, told: Told, *, edits: int, leaves_some: bool
) -> None:
    on = month_end.first_of_next(month)
    runs = [
        month_end.run(system, "semi-monthly", "middle-of-the-month", month.replace(day=16)),
        month_end.run(system, "monthly", "beginning-of-the-month", on),
        month_end.run(system, "semi-monthly", "beginning-of-the-month", on),
    ]
    for each in runs:
        told.parked += each["progress"]["parked"]
    if not leaves_some:
        month_end.give_address(
            office, work.LOST, starts_on=month.isoformat(), line_1="Avenida Central 12",
            city="Miami", region="FL", postal_code="33131", country="US",
        )  # fmt: skip
        runs = [month_end.retry_parked(system, each) for each in runs]
    for each in runs:
        told.drafts += each["progress"]["drafted"]
        told.runs.append(each["id"])
        if each["progress"]["drafted"]:
            month_end.send_to_review(office, each)
    month_end.review_in_the_portal(office, system, told, edits=edits, leaves=leaves_some)
    if not leaves_some:
        month_end.mend_and_resend(office, system, told)
    for each in runs:
        told.finalized += month_end.finalize(system, each, on + timedelta(days=2))


def _travel_desk(
    office: Office, system: System, month: date, told: Told, *, leaves_some: bool
) -> None:
    on = month_end.first_of_next(month)
    runs = [
        month_end.run(system, "semi-monthly", "middle-of-the-month", month.replace(day=16)),
        month_end.run(system, "monthly", "beginning-of-the-month", on),
        month_end.run(system, "semi-monthly", "beginning-of-the-month", on),
        month_end.run(system, "per-charge", "every-day", on),
    ]
    for each in runs:
        told.drafts += each["progress"]["drafted"]
        told.runs.append(each["id"])
        if each["progress"]["drafted"]:
            month_end.send_to_review(office, each)
    month_end.review_over_rest(system, told, leaves=4 if leaves_some else 0)
    for each in runs:
        told.finalized += month_end.finalize(system, each, on + timedelta(days=1))
