"""The scope of one firm: the manager and row-level security see the same tenant, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction


class NoTenant(Exception):
    """A firm's data was asked for outside the scope of a firm: a bug, so it crashes."""


class OtherTenant(Exception):
    """A row of another firm was about to be written in this firm's scope: a bug, so it crashes."""


_tenant_id: ContextVar[int | None] = ContextVar("tenant_id", default=None)
_on_enter: ContextVar[Callable[[], None] | None] = ContextVar("on_enter", default=None)


def current_tenant_id() -> int:
    """Return the id of the firm whose scope is open.

    :raises NoTenant: outside any scope.
    """
    tenant_id = _tenant_id.get()
    if tenant_id is None:
        raise NoTenant("Open tenant_scope(…) before touching a firm's data.")
    return tenant_id


@contextmanager
def tenant_scope(tenant_id: int) -> Iterator[None]:
    """Open a transaction in which this firm's rows, and no others, can be seen and written.

    Scopes nest; on leaving, the outer firm is put back by hand, because SET LOCAL survives a
    released savepoint. No scope may span a call to the outside: it is a transaction.
    """
    token = _tenant_id.set(tenant_id)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select coalesce(current_setting('app.tenant', true), '')")
            (previous,) = cursor.fetchone()
            cursor.execute("select set_config('app.tenant', %s, true)", [str(tenant_id)])
            hook = _on_enter.get()
            if hook is not None:
                hook()
            yield
            if not connection.needs_rollback:  # a rollback puts it back by itself
                cursor.execute("select set_config('app.tenant', %s, true)", [previous])
    finally:
        _tenant_id.reset(token)


@contextmanager
def checked_on_entry(check: Callable[[], None]) -> Iterator[None]:
    """Run ``check`` at the start of each scope opened inside, in that scope's transaction.

    A worker uses it to prove that its claim still stands before it writes anything.
    """
    token = _on_enter.set(check)
    try:
        yield
    finally:
        _on_enter.reset(token)
