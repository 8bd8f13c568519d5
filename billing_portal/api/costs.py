"""What a request costs of its caller's allowance, known before its body is read.

A batch is weighed by its bytes: counting its rows would mean reading it first, and what is refused
is not read.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import Resolver404, resolve

from billing_portal.bounds import whole_number

ONE, MANY, WRITE = 1, 2, 5
BYTES_A_UNIT = 16 * 1024
_READS = {"GET", "HEAD", "OPTIONS"}

_BATCH = WRITE + -(-300_000 // BYTES_A_UNIT)
IN_WORDS = (
    "Requests are counted by cost, over a minute, for each key, each firm and each address. "
    f"Reading one thing costs {ONE}, a list or a file {MANY}, a request that writes {WRITE}, and a "
    f"body 1 more for each started {BYTES_A_UNIT // 1024} KiB: a batch of 1,000 rows of 300 bytes "
    f"costs {_BATCH}. Each operation names its own as `x-cost`. `RateLimit-Policy` says how much "
    "there is and `RateLimit` how much of it is left; beyond it the answer is 429 with the seconds "
    "to wait in `Retry-After`, nothing was done, and it cost nothing."
)


def cost_of(request: HttpRequest) -> int:
    """Return the cost of a request of the API; of an address that is not ours, that of a reading.

    Leaves the match on the request, so that what is refused can still be told apart by route.
    """
    size = whole_number(request.META.get("CONTENT_LENGTH") or "") or 0
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return ONE
    request.resolver_match = match
    verbs = getattr(match.func, "actions", {})
    method = request.method or "GET"
    return cost_of_verb(method, verbs.get(method.lower())) + -(-size // BYTES_A_UNIT)


def cost_of_verb(method: str, action: Any) -> int:
    """Return what an operation costs without its body.

    :param action: the endpoint's name for it, such as ``list``.
    """
    if method.upper() not in _READS:
        return WRITE
    return ONE if action in {"retrieve", None} else MANY
