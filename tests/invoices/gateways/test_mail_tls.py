"""A mail goes over TLS, with a password only there, and to who proves their name."""

import ssl

import pytest
from aiosmtpd.smtp import AuthResult

from invoices.gateways.mail import (
    MailDown,
    send,
)
from tests.invoices.gateways.mail_office import MAIL, PostOffice, listening
from tests.outside.certificates import self_signed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the contexts of a server with a certificate of its own, and of who trusts it."""
    server, file = self_signed(tmp_path_factory.mktemp("tls"))
    return server, ssl.create_default_context(cafile=str(file))


def test_over_tls_a_password_is_given_and_the_mail_goes_out(certificate):
    server_side, trusting = certificate
    office, seen = PostOffice(), []

    def authenticate(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    options = {"tls_context": server_side, "require_starttls": True, "authenticator": authenticate}
    with listening(office, **options) as place:
        send(MAIL, user="portal", password="secret", tls=trusting, **place)

    assert seen == [(b"portal", b"secret")]
    assert len(office.taken) == 1


def test_a_refused_password_is_down_because_it_says_nothing_of_the_mail(certificate):
    server_side, trusting = certificate

    def authenticate(*_):
        return AuthResult(success=False, handled=False)

    options = {"tls_context": server_side, "authenticator": authenticate}
    with listening(PostOffice(), **options) as place, pytest.raises(MailDown, match="Auth"):
        send(MAIL, user="portal", password="secret", tls=trusting, **place)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificate):
    office = PostOffice()
    with (
        listening(office, tls_context=certificate[0]) as place,
        pytest.raises(MailDown, match="Cert"),
    ):
        send(MAIL, **place)

    assert office.taken == []


def test_a_server_without_tls_gets_no_mail_that_wants_it():
    office = PostOffice()
    with listening(office) as place, pytest.raises(MailDown, match="NotSupported"):
        send(MAIL, **place)

    assert office.taken == []


def test_a_password_never_goes_over_an_open_connection():
    with pytest.raises(ValueError, match="TLS only"):
        send(MAIL, host="127.0.0.1", port=1, user="portal", password="secret", starttls=False)
