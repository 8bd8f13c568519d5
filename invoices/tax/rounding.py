"""How tax rounds: per line, per rate group or per document, as a policy with a name.

The three differ: 100 lines of 0.05 at 19 % bear 1.00, 0.95 and 0.95. EN 16931 sums rounded line
nets (BR-CO-10) and rounds the tax once per rate group (BR-CO-17). Whatever the scope, the cents are
given to lines by largest remainder, ties by line number, so that lines, groups and the document
agree to the cent.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

_HALF = Fraction(1, 2)


class RoundingScope(StrEnum):
    """On which sum the fraction of a cent is rounded."""

    LINE = "LINE"
    RATE_GROUP = "RATE_GROUP"
    DOCUMENT = "DOCUMENT"


@dataclass(frozen=True, slots=True)
class RoundingPolicy:
    """A rule of rounding under the name that is kept with the invoice. Half away from zero.

    A name never changes its meaning: another rule is another name.
    """

    name: str
    scope: RoundingScope


POLICIES = {
    policy.name: policy
    for policy in (
        RoundingPolicy("line/1", RoundingScope.LINE),
        RoundingPolicy("rate-group/1", RoundingScope.RATE_GROUP),
        RoundingPolicy("document/1", RoundingScope.DOCUMENT),
    )
}


def half_up(exact: Fraction) -> int:
    """Return the nearest whole number; a half goes away from zero: -2.5 becomes -3."""
    whole = (abs(exact) + _HALF).__floor__()
    return -whole if exact < 0 else whole


def rounded_shares(
    exact: Sequence[Fraction], groups: Sequence[Hashable], scope: RoundingScope
) -> list[int]:
    """Round exact taxes to whole minor units so that each sum of the scope is right.

    With ``RATE_GROUP``, 3 x 6.27 cents come to 18.81, hence 19; the shares are 7, 6, 6.
    Turning every sign turns every share: a credit note of the whole takes back the same cents.

    :param exact: the taxes in minor units, in the order of the lines.
    :param groups: which rate group each line is in.
    """
    if scope is RoundingScope.LINE:
        return [half_up(each) for each in exact]
    keys = groups if scope is RoundingScope.RATE_GROUP else [None] * len(exact)
    shares = [0] * len(exact)
    for key in dict.fromkeys(keys):
        members = [at for at, other in enumerate(keys) if other == key]
        for at, share in zip(members, _allocated([exact[at] for at in members]), strict=True):
            shares[at] = share
    return shares


def _allocated(exact: Sequence[Fraction]) -> list[int]:
    """Return whole numbers that add up to the rounded sum, by largest remainder."""
    if not any(exact):
        return [0] * len(exact)
    total = sum(exact, Fraction(0))
    # Seen from its positive side, so that a credit note mirrors its invoice.
    side = total or next((each for each in exact if each.denominator > 1), Fraction(0))
    sign = -1 if side < 0 else 1
    facing = [sign * each for each in exact]
    shares = [each.__floor__() for each in facing]
    order = sorted(range(len(facing)), key=lambda at: (shares[at] - facing[at], at))
    for at in order[: half_up(sign * total) - sum(shares)]:
        shares[at] += 1
    return [sign * share for share in shares]
