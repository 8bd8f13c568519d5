"""One at a time within a firm, for deeds that no row could stand for."""

from __future__ import annotations

from django.db import connection

from billing_portal.tenancy.scope import current_tenant_id

_SPACE = 7303


def one_at_a_time(deed: str) -> None:
    """Wait until nobody else in the firm is at this deed; held until the transaction ends.

    Names may share a hash: then two deeds wait for each other, which costs time and nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, hashtext(%s))",
            [_SPACE, f"{current_tenant_id()}:{deed}"],
        )
