"""Statistics of tables that have grown, without waiting for autovacuum's next round.

A plan made before a table's first ANALYZE may take any index that begins with the firm, and then
reads all of the firm's rows for each row that is written: posting gets slower with every batch.
Autovacuum looks once a minute; the elected supervisor asks every few seconds.
"""

from __future__ import annotations

import time

from django.db import connection

EVERY_SECONDS = 5
_last = {"at": 0.0}


def take_now_and_then() -> int:
    """Analyze what has grown, at most every five seconds; the supervisor's tick does."""
    now = time.monotonic()
    if _last["at"] and now - _last["at"] < EVERY_SECONDS:
        return 0
    _last["at"] = now
    return take()


def take() -> int:
    """Analyze tables that grew by a tenth and 500 rows; say how many. One statement."""
    with connection.cursor() as cursor:
        cursor.execute("select portal_take_statistics()")
        return int(cursor.fetchone()[0])
