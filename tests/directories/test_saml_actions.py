"""What may be proposed as a SAML directory, and what the database holds of it."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, ProgrammingError, transaction

from billing_portal.audit.models import AuditEvent
from billing_portal.directories import actions, saml
from billing_portal.directories.certificates import certificates_in, fingerprint
from billing_portal.directories.models import Directory, DirectoryIdentity, TakenAssertion
from billing_portal.directories.proposing import BadDirectory
from billing_portal.directories.saml_xml import MOST_BYTES
from billing_portal.directories.tokens import NotProven
from billing_portal.texts import HiddenCharacter
from tests.factories import UserFactory

ENTITY = "urn:directory:arnesen"


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Directory")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(key.public_key()).serial_number(7)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    built = built.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    how = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return built.sign(key, how).public_bytes(Encoding.PEM).decode()


@pytest.fixture(scope="module")
def pems():
    """Three good ones, one whose key is short, and one of a kind that is not signed with."""
    good = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 -- refused below
    other = ed25519.Ed25519PrivateKey.generate()
    return [certificate(key) for key in [*good, short, other]]


@pytest.fixture
def values(pems):
    return {
        "protocol": "SAML",
        "issuer": ENTITY,
        "sso_url": "https://id.arnesen.test/sso?x=1",
        "certificates": pems[0],
        "domains": ["arnesen.test"],
    }


@pytest.fixture
def agreed(tenant, values, owner, second_owner):
    proposed = actions.propose_directory(**values, by=owner)
    return actions.approve_directory(proposed, by=second_owner)


def test_a_saml_directory_is_agreed_on_and_on_record(agreed, pems):
    proposed = AuditEvent.objects.get(action="directory.proposed")

    assert agreed.state == "ACTIVE"
    assert agreed.client_secret == ""
    assert proposed.details["protocol"] == "SAML"
    assert proposed.details["certificates"] == [fingerprint(certificates_in(pems[0])[0])]
    assert actions.provider_of(agreed).sso_url == "https://id.arnesen.test/sso?x=1"


def test_two_certificates_are_kept_in_their_order_and_each_once(tenant, values, pems, owner):
    pasted = f"\n{pems[1]}\r\n{pems[0]}\n{pems[1]}"

    proposed = actions.propose_directory(**values | {"certificates": pasted}, by=owner)

    assert proposed.certificates == pems[1] + pems[0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"issuer": ""}, "entity ID"),
        ({"issuer": "no address"}, "entity ID"),
        ({"issuer": "urn:" + "x" * 200}, "entity ID"),
        ({"sso_url": ""}, "no address"),
        ({"sso_url": "http://id.arnesen.test/sso"}, "not encrypted"),
        ({"sso_url": "javascript:alert(1)"}, "no address"),
        ({"sso_url": "https://u:p@id.arnesen.test/"}, "no address"),
        ({"sso_url": "https://id.arnesen.test/\r\nSet-Cookie: a=b"}, "hidden character"),
        ({"sso_url": "https://id.arnesen.test/" + "x" * 500}, "too long"),
        ({"email_attribute": "x" * 201}, "too long"),
        ({"subject_attribute": "a\nb"}, "hidden character"),
        ({"certificates": ""}, "Paste the signing certificate"),
        ({"certificates": "MIIB"}, "Paste the signing certificate"),
        ({"client_secret": "x"}, "SAML 2.0 has no client secret"),
        ({"protocol": "LDAP"}, "OpenID Connect or SAML"),
        ({"protocol": "OIDC"}, "OpenID Connect has no certificates, sso url"),
        ({"domains": ["nonsense"]}, "these are none"),
    ],
)
def test_what_cannot_be_is_not_proposed(tenant, values, owner, wrong, words):
    with pytest.raises((BadDirectory, HiddenCharacter), match=words):
        actions.propose_directory(**values | wrong, by=owner)

    assert not Directory.objects.exists()


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ([0, 1, 2], "one or 2 certificates"),
        ([3], "2,048 bits"),
        ([0, 3], "2,048 bits"),
        ([4], "2,048 bits"),
    ],
)
def test_a_certificate_that_may_not_sign_is_not_agreed_on(
    tenant, values, pems, owner, *, which, words
):
    pasted = "".join(pems[number] for number in which)

    with pytest.raises(BadDirectory, match=words):
        actions.propose_directory(**values | {"certificates": pasted}, by=owner)


def test_a_broken_certificate_is_not_agreed_on(tenant, values, pems, owner):
    broken = pems[0].replace("MII", "AII", 1)

    with pytest.raises(BadDirectory, match="cannot be read"):
        actions.propose_directory(**values | {"certificates": broken}, by=owner)


def test_coming_in_by_the_other_protocol_makes_it_not_required(tenant, values, owner):
    DirectoryIdentity.objects.create(issuer=ENTITY, subject="7", user=UserFactory.create())

    with pytest.raises(actions.NeverUsed):
        actions.propose_directory(**values, is_required=True, by=owner)


def test_who_came_in_by_it_lets_it_be_required(tenant, values, owner):
    DirectoryIdentity.objects.create(
        protocol="SAML", issuer=ENTITY, subject="7", user=UserFactory.create()
    )

    assert actions.propose_directory(**values, is_required=True, by=owner).is_required


@pytest.mark.parametrize(
    "half", [{"certificates": ""}, {"sso_url": ""}, {"client_id": "x"}, {"protocol": "OIDC"}]
)
def test_the_database_holds_no_half_of_a_protocol(agreed, half):
    with pytest.raises(IntegrityError, match="what_its_protocol_needs"), transaction.atomic():
        Directory.objects.filter(pk=agreed.pk).update(**half)


def test_an_assertion_is_taken_once_by_each_issuer(agreed):
    actions.take_assertion(agreed, "_7f1c")

    with pytest.raises(NotProven):
        actions.take_assertion(agreed, "_7f1c")

    actions.take_assertion(agreed, "_7f1d")
    assert TakenAssertion.objects.count() == 2


@pytest.mark.parametrize("deed", ["update", "delete"])
def test_what_was_taken_stays_taken(agreed, deed):
    actions.take_assertion(agreed, "_7f1c")
    rows = TakenAssertion.objects.all()
    deeds = {"update": lambda: rows.update(digest="x"), "delete": rows.delete}

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        deeds[deed]()


# --- What is pasted -------------------------------------------------------------------------------

METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<!-- as exported -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:directory:x">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    {keys}
    <md:SingleSignOnService Location="https://id.x.test/post"
      Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
    <md:SingleSignOnService Location="https://id.x.test/redirect"
      Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""


def key(pem, use='use="signing"'):
    body = "".join(pem.splitlines(keepends=True)[1:-1])
    return (
        f'<md:KeyDescriptor {use}><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
        f"<X509Certificate>{body}</X509Certificate></X509Data></KeyInfo></md:KeyDescriptor>"
    )


def test_metadata_says_name_address_and_the_keys_that_sign(pems):
    keys = key(pems[0]) + key(pems[1], "") + key(pems[2], 'use="encryption"')

    described = saml.described(METADATA.format(keys=keys))

    assert described == saml.Described(
        "urn:directory:x", "https://id.x.test/redirect", pems[0] + pems[1]
    )


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (lambda text: "", "cannot be read"),
        (lambda text: "<a>", "not well-formed"),
        (lambda text: text.replace("<md:Entity", "<!DOCTYPE a><md:Entity", 1), "document type"),
        (lambda text: text + " " * 0 + "<!--" + "x" * MOST_BYTES + "-->", "too large"),
        (lambda text: text.replace("IDPSSO", "SPSSO"), "one directory"),
        (lambda text: text.replace("EntityDescriptor", "EntitiesDescriptor"), "one directory"),
        (lambda text: text.replace("HTTP-Redirect", "SOAP"), "HTTP-Redirect"),
        (lambda text: text.replace('use="signing"', 'use="encryption"'), "one or 2 certificates"),
        (lambda text: text.replace("MII", "!!!"), "cannot be read"),
    ],
)
def test_metadata_of_something_else_is_said_to_be(pems, spoiled, words):
    text = METADATA.format(keys=key(pems[0]))

    with pytest.raises(saml.NotADirectory, match=words):
        saml.described(spoiled(text))
