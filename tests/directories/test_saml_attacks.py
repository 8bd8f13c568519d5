"""Answers that attackers make: none of them signs anybody in, and each is on record."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from lxml import etree

from tests.directories import wrapping
from tests.directories.refusals import refused
from tests.directories.wrapping import closed, opened
from tests.outside.saml.answers import moment

pytestmark = pytest.mark.django_db
YEAR = 365 * 24 * 3600


@pytest.fixture
def ada(harbor):
    return harbor.member("ada")


# --- What it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"issuer": "urn:demo:directory:quay"}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"response_issuer": "urn:demo:directory:quay"}, "issuer"),
        ({"destination": "http://testserver/accounts/sso/quay/acs/"}, "destination"),
        ({"destination": None}, "destination"),
        ({"response_to": "_another"}, "question"),
        ({"response_to": None}, "question"),
        ({"in_response_to": "_another"}, "confirmation"),
        ({"in_response_to": None}, "confirmation"),
        ({"recipient": "http://testserver/accounts/sso/quay/acs/"}, "confirmation"),
        ({"recipient": None}, "confirmation"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "confirmation"),
        ({"confirmed_until": None}, "confirmation"),
        ({"confirmed_until": moment(-YEAR)}, "confirmation"),
        ({"confirmed_until": "tomorrow"}, "confirmation"),
        ({"not_before": moment(YEAR)}, "conditions"),
        ({"not_before": "2026-11-21T10:00:00"}, "conditions"),
        ({"not_on_or_after": moment(-YEAR)}, "conditions"),
        ({"not_on_or_after": "9999-99-99T00:00:00Z"}, "conditions"),
        ({"conditions": "<saml:Condition/>"}, "conditions"),
        ({"audience": "http://testserver/accounts/sso/quay/metadata/"}, "audience"),
        ({"audience": None}, "audience"),
        (
            {
                "conditions": "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience>"
                "</saml:AudienceRestriction>"
            },
            "audience",
        ),
        ({"issued": moment(-YEAR)}, "issued"),
        ({"issued": moment(YEAR)}, "issued"),
        ({"issued": "now"}, "issued"),
        ({"began": moment(YEAR)}, "statement"),
        ({"began": None}, "statement"),
        ({"statements": 0}, "statement"),
        ({"statements": 2}, "statement"),
        ({"session_ends": moment(-1)}, "session_over"),
        ({"session_ends": "soon"}, "session_over"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "declined"),
        ({"name": None}, "subject"),
        ({"name": ""}, "subject"),
        ({"name": "x" * 256}, "subject"),
        ({"name": "ada<saml:b>x</saml:b>"}, "subject"),
        ({"name_format": None}, "subject"),
        ({"name_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"}, "subject"),
        ({"name_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"}, "subject"),
        ({"name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "transient"),
        ({"name_qualifier": "urn:demo:directory:quay"}, "subject"),
        ({"sp_name_qualifier": "http://testserver/accounts/sso/quay/metadata/"}, "subject"),
    ],
)
def test_an_answer_that_says_something_else_proves_nobody(client, harbor, ada, said, reason):
    harbor.lies(**said)

    refused(client, harbor, harbor.sign_in(client, "ada"), reason)


@pytest.mark.parametrize(
    "said",
    [
        {"response_issuer": None},
        {"not_before": None, "not_on_or_after": None},
        {"not_before": moment(30)},  # clocks differ
        {"conditions": "<saml:OneTimeUse/>"},
        {"name_qualifier": "urn:demo:directory:harbor"},
        {"sp_name_qualifier": "http://testserver/accounts/sso/harbor/metadata/"},
    ],
)
def test_what_may_be_said_or_left_out_harms_nothing(client, harbor, ada, said):
    harbor.lies(**said)

    assert harbor.sign_in(client, "ada").url == harbor.inbox


@pytest.mark.parametrize(("seconds", "status"), [(350, 302), (361, 403)])
def test_an_answer_lasts_as_long_as_it_says_and_a_minute(client, harbor, ada, seconds, status):
    form = harbor.bring(client, "ada")

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds)):
        assert harbor.hand_in(client, form).status_code == status


@pytest.mark.parametrize("kind", ["EncryptedAssertion", "EncryptedID"])
def test_what_is_encrypted_is_refused_with_a_word_for_it(client, harbor, ada, kind):
    form = harbor.bring(client, "ada")
    root = opened(form)
    etree.SubElement(root, f"{wrapping.A}{kind}")

    answer = harbor.hand_in(client, closed(form, root))

    refused(client, harbor, answer, "directories.encrypted", words="encrypts its answers")


@pytest.mark.parametrize(
    "name",
    [
        "harbor|ada<!-- -->|x",
        "harbor|ada<![CDATA[|x]]>",
        "<!-- harbor|ada -->harbor|ada|x",
        "harbor|ada&#124;x",
    ],
)
def test_a_name_is_read_whole(client, harbor, ada, name):
    harbor.sign_in(client, "ada")
    client.logout()
    harbor.lies(name=name, attributes={"mail": "new@harbor.test"})

    answer = harbor.sign_in(client, "ada")

    assert answer.status_code == 403
    assert harbor.bound() == [("harbor|ada", ada.pk)]


@pytest.mark.parametrize(
    "address",
    [
        "ada@harbor.test<!-- -->.evil.test",
        "<!-- -->ada@harbor.test.evil.test",
        ["ada@harbor.test", "eve@harbor.test"],
        "<saml:b>ada@harbor.test</saml:b>",
        "ada@evil.test@harbor.test",
        "",
    ],
)
def test_an_address_is_read_whole_and_alone(client, harbor, ada, address):
    harbor.lies(attributes={"mail": address})

    answer = harbor.sign_in(client, "ada")

    refused(client, harbor, answer, "directories.not_here", words="not a member")


# --- The form of it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE r [<!ENTITY x "ada">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/evil.dtd">',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<?xml-stylesheet href='x'?><!DOCTYPE r>",
    ],
)
def test_a_document_type_is_never_read(client, harbor, ada, head):
    form = harbor.bring(client, "ada")
    raw = head.encode() + base64.b64decode(form["SAMLResponse"])

    refused(client, harbor, harbor.hand_in(client, closed(form, raw)), "form")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("", "form"),
        ("no base64!", "form"),
        (base64.b64encode(b"<r").decode(), "form"),
        (base64.b64encode(b"<r/>").decode(), "form"),
        (base64.b64encode("<r/>".encode("utf-16")).decode(), "form"),
        (base64.b64encode(b'<?xml version="1.0" encoding="UTF-7"?><r/>').decode(), "form"),
        (base64.b64encode(b"<r>" + b"<a>" * 5000 + b"</r>").decode(), "form"),
        (base64.b64encode(b"<r>" + b" " * 300_000 + b"</r>").decode(), "form"),
        ("A" * 600_000, "size"),
    ],
)
def test_what_is_no_answer_proves_nobody(client, harbor, ada, response, reason):
    form = {**harbor.bring(client, "ada"), "SAMLResponse": response}

    refused(client, harbor, harbor.hand_in(client, form), reason)


def test_an_instruction_in_a_name_is_refused(client, harbor, ada):
    harbor.lies(name="harbor|ada<?cut here?>|x")

    refused(client, harbor, harbor.sign_in(client, "ada"), "form")
