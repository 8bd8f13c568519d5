"""How much may be asked in a minute, counted where all processes share it.

A bucket (generic cell rate) is one moment: when it will be full again. Each request moves that
moment on by what it costs, unless it would lie more than a minute ahead. One statement takes from
all buckets of a request or from none, outside any firm's transaction, and takes their locks in the
order of their names, so that no two requests wait for each other. The table is UNLOGGED: after a
crash everybody has a full bucket, which costs nothing.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from billing_portal.api.problems import problem

WINDOW_SECONDS = 60
CODE = "rate.exceeded"
_MICROSECONDS = 1_000_000
_LONGEST_HOLDER = 60


@dataclass(frozen=True)
class Draw:
    """What a request takes from one bucket.

    :ivar policy: which limit of settings.RATE_LIMITS it is, so many units a minute.
    :ivar is_look: refuse if there is not as much, but take nothing.
    """

    policy: str
    holder: str
    units: int
    is_look: bool = False

    @property
    def room(self) -> int:
        """The units that a full bucket holds; 0 for no limit."""
        return int(settings.RATE_LIMITS[self.policy])

    @property
    def name(self) -> str:
        """The bucket's name."""
        return f"{self.policy}:{self.holder[:_LONGEST_HOLDER]}"

    @property
    def microseconds(self) -> int:
        """The time in which as much flows back; never more than a full bucket has."""
        whole = WINDOW_SECONDS * _MICROSECONDS
        return min(whole, self.units * whole // self.room)


@dataclass(frozen=True)
class Level:
    """How a bucket stands after a request was counted or refused.

    :ivar seconds: until it is full again.
    """

    draw: Draw
    is_enough: bool
    seconds: float

    @property
    def left(self) -> int:
        """The whole units that are left."""
        whole = WINDOW_SECONDS * _MICROSECONDS
        return max(0, whole - round(self.seconds * _MICROSECONDS)) * self.draw.room // whole

    @property
    def wait(self) -> int:
        """The whole seconds until there is enough, at least one."""
        needed = self.draw.microseconds / _MICROSECONDS
        return max(1, math.ceil(self.seconds + needed - WINDOW_SECONDS))


@dataclass(frozen=True)
class Verdict:
    """Whether a request may go on, and how its buckets stand."""

    levels: list[Level]

    @property
    def is_granted(self) -> bool:
        """Whether every bucket had enough."""
        return all(level.is_enough for level in self.levels)

    @property
    def wait(self) -> int:
        """The seconds after which the same request would be granted, if nobody else asked."""
        return max((level.wait for level in self.levels if not level.is_enough), default=0)

    def tell(self, response: HttpResponse) -> HttpResponse:
        """Add what is left, as draft-ietf-httpapi-ratelimit-headers has it, and Retry-After."""
        told = {level.draw.policy: level for level in self.levels if not level.draw.is_look}
        if told:
            response["RateLimit-Policy"] = ", ".join(
                f'"{policy}";q={level.draw.room};w={WINDOW_SECONDS}'
                for policy, level in told.items()
            )
            response["RateLimit"] = ", ".join(
                f'"{policy}";r={level.left};t={math.ceil(level.seconds)}'
                for policy, level in told.items()
            )
        if not self.is_granted:
            response["Retry-After"] = str(self.wait)
        return response

    def refusal(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request that may not go on."""
        spent = sorted({level.draw.policy for level in self.levels if not level.is_enough})
        words = f"Too much was asked in a minute. Ask again in {self.wait} s; nothing was done."
        return self.tell(problem(request, 429, CODE, words, policies=spent))


def take(draws: Sequence[Draw]) -> Verdict:
    """Take what a request costs from all of its buckets, or from none. One statement.

    Outside a transaction it commits by itself. Two first requests at once may find a bucket full
    that is not: then those buckets that were locked before it have been taken from.
    """
    draws = [draw for draw in draws if draw.room]
    if not draws:
        return Verdict([])
    window = WINDOW_SECONDS * _MICROSECONDS
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "names": [draw.name for draw in draws],
                "takes": [draw.microseconds for draw in draws],
                "looks": [draw.is_look for draw in draws],
                "window": window,
            },
        )
        found = {name: (enough, float(seconds)) for name, enough, seconds in cursor.fetchall()}
    return Verdict([Level(draw, *found[draw.name]) for draw in draws])


def forget_full() -> int:
    """Remove the buckets that are full again: one that is absent is full. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        return int(cursor.rowcount)


def spent() -> dict[str, int]:
    """Return how many buckets of each policy have less than a twentieth left. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, [WINDOW_SECONDS * 0.95])
        found = dict(cursor.fetchall())
    return {policy: int(found.get(policy, 0)) for policy in settings.RATE_LIMITS}


def holder_of_address(peer: str) -> str:
    """Return whose bucket an address draws from: its own, or its network of 64 bits in IPv6."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer or "nowhere"  # a Unix socket has no address
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


_TAKE = """
with asked as materialized (
  select name, takes * interval '1 microsecond' as takes, looks
  from unnest(%(names)s::text[], %(takes)s::bigint[], %(looks)s::bool[]) as a (name, takes, looks)
), seen as materialized (
  select name, takes, looks, full_at,
    full_at + takes <= statement_timestamp() + %(window)s * interval '1 microsecond' as enough
  from (
    select asked.*, greatest(b.full_at, statement_timestamp()) as full_at
    from asked left join api_bucket b using (name)
  ) s
), taken as (
  insert into api_bucket as b (name, full_at)
  select name, statement_timestamp() + takes from seen
  where not looks and (select bool_and(enough) from seen)
  order by name
  on conflict (name) do update set
    full_at = greatest(b.full_at, statement_timestamp())
      + (excluded.full_at - statement_timestamp())
  where greatest(b.full_at, statement_timestamp())
      + (excluded.full_at - statement_timestamp())
    <= statement_timestamp() + %(window)s * interval '1 microsecond'
  returning b.name, b.full_at
)
select seen.name,
  seen.enough
    and (seen.looks or taken.name is not null or not (select bool_and(enough) from seen)),
  extract(epoch from coalesce(taken.full_at, seen.full_at) - statement_timestamp())
from seen left join taken on taken.name = seen.name
"""
_FORGET = """
delete from api_bucket where name in (
  select name from api_bucket where full_at < statement_timestamp()
  limit 1000 for update skip locked
)
"""
_SPENT = """
select split_part(name, ':', 1), count(*) from api_bucket
where full_at > statement_timestamp() + make_interval(secs => %s) group by 1
"""
