"""A directory outside, and firms whose people sign in by it."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from billing_portal.tenancy.scope import tenant_scope
from tests.directories.going import Firm
from tests.factories import TenantFactory
from tests.outside.directory.server import DemoDirectory


@pytest.fixture(scope="session")
def idp(tmp_path_factory):
    """The directory, running; each test opens its organizations anew."""
    with DemoDirectory(book=tmp_path_factory.mktemp("directory") / "book.jsonl") as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_known():
    """Forget what directories said of themselves in the test before."""
    cache.clear()


@pytest.fixture
def arnesen(db, idp):
    """A firm with a directory in force, and nobody in it yet."""
    return Firm(TenantFactory.create(slug="arnesen", name="Arnesen Pike LLP"), idp, "arnesen.test")


@pytest.fixture
def miramar(db, idp):
    """Another such firm, whose directory lies about whatever it is told to."""
    return Firm(TenantFactory.create(slug="miramar", name="Miramar Ltd"), idp, "miramar.test")


@pytest.fixture
def scope_of():
    """Open a firm's scope."""
    return lambda firm: tenant_scope(firm.tenant.pk)
