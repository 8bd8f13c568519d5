"""A directory outside, and firms whose people sign in by it."""

from __future__ import annotations

import threading

import pytest
from django.core.cache import cache

from billing_portal.tenancy.scope import tenant_scope
from tests.directories.going import Firm
from tests.directories.going_by_saml import SamlFirm
from tests.factories import TenantFactory
from tests.outside import web
from tests.outside.directory.server import DemoDirectory
from tests.outside.saml.server import DemoSaml


@pytest.fixture(scope="session")
def idp(tmp_path_factory):
    """The directory, running; each test opens its organizations anew."""
    with DemoDirectory(book=tmp_path_factory.mktemp("directory") / "book.jsonl") as running:
        yield running


@pytest.fixture(scope="session")
def saml_idp(tmp_path_factory):
    """The SAML directory, running; each test opens its organizations anew."""
    with DemoSaml(book=tmp_path_factory.mktemp("saml") / "book.jsonl") as running:
        yield running


@pytest.fixture(autouse=True)
def _at_home(settings):
    """Let the portal's own address be the one that tests ask."""
    settings.SITE_URL = "http://testserver"


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
def harbor(db, saml_idp):
    """A firm with a SAML directory in force, and nobody in it yet."""
    return SamlFirm(TenantFactory.create(slug="harbor", name="Harbor LLP"), saml_idp, "harbor.test")


@pytest.fixture
def quay(db, saml_idp):
    """Another such firm."""
    return SamlFirm(TenantFactory.create(slug="quay", name="Quay Ltd"), saml_idp, "quay.test")


@pytest.fixture
def scope_of():
    """Open a firm's scope."""
    return lambda firm: tenant_scope(firm.tenant.pk)


@pytest.fixture
def serve():
    """Serve a function on loopback, over TLS where a context is given; returns its address."""
    running = []

    def start(app, *, context=None):
        server = web.listen(app, port=0)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()
