"""The clock's wishes: rows that say which job to ask for again and again.

Modules declare them with ``clock_line``; the supervisor writes what is declared and missing, and
from then on the row counts: an administrator may change or stop it. A missed wish is asked for
once, not once for each time it was missed. What comes every so many seconds has one row for all
firms; what comes at a civil time has one for each firm, in that firm's time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction

from billing_portal.jobs import rules
from billing_portal.jobs.engines import UnknownJob, function_of
from billing_portal.jobs.models import ClockLine
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wish:
    """What a module wants of the clock, for each firm."""

    name: str
    job: str
    every_seconds: int | None = None
    rule: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)


_DECLARED: dict[str, Wish] = {}


def clock_line(
    name: str,
    *,
    job: str,
    every_seconds: int | None = None,
    rule: str = "",
    args: Mapping[str, Any] | None = None,
) -> None:
    """Declare that a job is wanted for each firm, every so often or by a civil rule.

    :param rule: such as ``daily 06:00`` or ``monthly 1 06:00``, in each firm's time zone.
    :raises NotARule: when the rule cannot be read.
    :raises ValueError: when there is not exactly one of the two.
    """
    if (every_seconds is None) == (not rule):
        raise ValueError(f"The clock line {name} needs either seconds or a rule.")
    if rule:
        rules.parse(rule)
    _DECLARED[name] = Wish(name, job, every_seconds, rule, args or {})


def write_declared(now: datetime | None = None) -> None:
    """Add the rows that modules declare and the table lacks; existing rows are left as they are."""
    now = now or datetime.now(UTC)
    for module in settings.JOB_MODULES:
        import_module(module)
    firms = list(Tenant.objects.all()) if any(wish.rule for wish in _DECLARED.values()) else []
    lines = []
    for wish in _DECLARED.values():
        common = {"name": wish.name, "job": wish.job, "args": dict(wish.args)}
        if wish.rule:
            lines += [
                ClockLine(
                    tenant=firm,
                    rule=wish.rule,
                    next_due_at=_by_rule(wish.rule, now, firm),
                    **common,
                )
                for firm in firms
            ]
        else:
            lines.append(ClockLine(every_seconds=wish.every_seconds, **common))
    ClockLine.objects.bulk_create(lines, ignore_conflicts=True)


def strike(now: datetime | None = None) -> int:
    """Ask for the jobs that are due, each once however many supervisors look; say how many rows.

    The key of each job holds the moment that was due, so a crash between two firms asks again for
    both and makes one job each.
    """
    now = now or datetime.now(UTC)
    with transaction.atomic():
        due = list(
            ClockLine.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(is_active=True, next_due_at__lte=now)
            .select_related("tenant")
            .order_by("pk")
        )
        for line in due:
            _ring(line, now)
    return len(due)


def _ring(line: ClockLine, now: datetime) -> None:
    """Ask for one line's jobs and move it on; one that cannot be asked for is switched off.

    Otherwise one row with a slip of the pen would stop the clock of every firm.
    """
    try:
        function_of(line.job).check(line.args)
        next_due_at = _next(line, now)
    except (UnknownJob, TypeError, rules.NotARule):
        _log.exception("clock line switched off", line=line.pk)
        line.is_active = False
        line.save(update_fields=["is_active"])
        return
    _ask(line)
    line.next_due_at = next_due_at
    line.save(update_fields=["next_due_at"])


def _next(line: ClockLine, now: datetime) -> datetime:
    if line.every_seconds is not None:
        step = timedelta(seconds=line.every_seconds)
        return line.next_due_at + step * ((now - line.next_due_at) // step + 1)
    if line.tenant is None:
        raise rules.NotARule(f"“{line.rule}” is read in a firm's time zone; name the firm.")
    return _by_rule(line.rule, now, line.tenant)


def _by_rule(rule: str, now: datetime, firm: Tenant) -> datetime:
    return rules.parse(rule).next_after(now, ZoneInfo(firm.time_zone))


def _ask(line: ClockLine) -> None:
    function = function_of(line.job)
    key = f"clock:{line.name}:{line.next_due_at.isoformat()}"
    firms = Tenant.objects.all() if line.tenant is None else [line.tenant]
    for firm in firms:
        with tenant_scope(firm.pk):
            function.enqueue(key=key, **line.args)
