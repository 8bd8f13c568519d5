"""Answers that attackers make: none of them signs anybody in, and each is on record."""

import base64
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from lxml import etree

from billing_portal.directories.models import TakenAssertion
from tests.directories import wrapping
from tests.directories.going import SET_UP
from tests.directories.wrapping import closed, opened
from tests.outside.saml.answers import moment
from tests.outside.saml.server import WrongPassword
from tests.visiting import text_of

pytestmark = pytest.mark.django_db
YEAR = 365 * 24 * 3600


@pytest.fixture
def ada(harbor):
    return harbor.member("ada")


def refused(client, firm, answer, reason, *, words="did not prove who you are"):
    """Hold that nobody was signed in, nothing is bound, and why is on record."""
    assert answer.status_code == 403
    assert words in text_of(answer)
    assert "_auth_user_id" not in client.session
    assert client.get(firm.inbox).status_code == 302
    assert firm.bound() == []
    assert firm.said()[-1] == ("sign_in.refused", reason)
    assert [action for action, _ in firm.said()].count("sign_in.refused") == 1


def not_begun(answer):
    assert answer.status_code == 400
    assert "not begun in this browser" in text_of(answer)


# --- Signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
@pytest.mark.parametrize("how", ["", "sha384"])
def test_what_is_signed_well_is_believed(client, harbor, ada, signed, how):
    harbor.idp.set_faults("harbor", signed=signed, signature=how)

    assert harbor.sign_in(client, "ada").url == harbor.inbox


def test_either_of_two_certificates_will_do(client, harbor, ada):
    both = harbor.idp.certificates()
    harbor.agree(certificates=both["ours"] + both["curve"])
    harbor.sign_in(client, "ada")
    client.logout()
    harbor.idp.set_faults("harbor", signature="curve")

    assert harbor.sign_in(client, "ada").url == harbor.inbox


@pytest.mark.parametrize("signed", ["assertion", "response", "both"])
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("other", "signature"),  # with its certificate in KeyInfo
        ("curve", "signature"),  # a good key of the same directory, but not agreed on
        ("tampered", "signature"),
        ("sha1", "algorithm"),
        ("hmac", "algorithm"),  # by the certificate, which everybody has
        ("inclusive", "transforms"),
    ],
)
def test_what_is_signed_otherwise_proves_nobody(client, harbor, ada, *, signed, how, reason):
    harbor.idp.set_faults("harbor", signed=signed, signature=how)

    refused(client, harbor, harbor.sign_in(client, "ada"), reason)


def test_what_is_not_signed_proves_nobody(client, harbor, ada):
    harbor.idp.set_faults("harbor", signed="nothing")

    refused(client, harbor, harbor.sign_in(client, "ada"), "unsigned")


def test_one_good_signature_does_not_excuse_a_bad_one(client, harbor, ada):
    harbor.idp.set_faults("harbor", signed="both")
    form = harbor.bring(client, "ada")
    root = opened(form)
    value = root.find(f"{wrapping.D}Signature/{wrapping.D}SignatureValue")
    value.text = base64.b64encode(bytes(256)).decode()

    refused(client, harbor, harbor.hand_in(client, closed(form, root)), "signature")


WRAPPINGS = [
    ("xsw1", "response", "form"),
    ("xsw2", "response", "form"),
    ("xsw3", "assertion", "assertions"),
    ("xsw4", "assertion", "assertions"),
    ("xsw5", "assertion", "assertions"),
    ("xsw6", "assertion", "assertions"),
    ("xsw7", "assertion", "assertions"),
    ("xsw8", "assertion", "assertions"),
    ("wrapped_elsewhere", "assertion", "assertions"),
    ("renamed_ids", "assertion", "assertions"),
    ("outer_answer", "response", "form"),
    ("only_the_signature", "assertion", "signature"),
    ("moved_up", "assertion", "references"),
]


@pytest.mark.parametrize(("how", "signed", "reason"), WRAPPINGS)
def test_a_signature_is_not_believed_of_anything_else(client, harbor, ada, *, how, signed, reason):
    harbor.member("eve")
    harbor.idp.set_faults("harbor", signed=signed)
    form = harbor.bring(client, "ada")
    evil = getattr(wrapping, how)(opened(form))

    refused(client, harbor, harbor.hand_in(client, closed(form, evil)), reason)


@pytest.mark.parametrize("how", [how for how, _signed, _reason in WRAPPINGS])
def test_nor_of_anything_beside_where_both_are_signed(client, harbor, ada, how):
    harbor.member("eve")
    harbor.idp.set_faults("harbor", signed="both")
    form = harbor.bring(client, "ada")
    evil = getattr(wrapping, how)(opened(form))

    answer = harbor.hand_in(client, closed(form, evil))

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


def edit_reference(root, kind, attribute, value):
    root.find(f".//{wrapping.D}{kind}").set(attribute, value)


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "reason"),
    [
        ("Reference", "URI", "", "references"),
        ("Reference", "URI", "#_other", "references"),
        ("Reference", "URI", "http://evil.test/x", "references"),
        ("Reference", "URI", "#xpointer(/)", "references"),
        ("Transform", "Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116", "transforms"),
        ("Transform", "Algorithm", "http://www.w3.org/2000/09/xmldsig#base64", "transforms"),
        (
            "CanonicalizationMethod",
            "Algorithm",
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            "transforms",
        ),
        ("DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1", "algorithm"),
        ("DigestMethod", "Algorithm", "made up", "algorithm"),
        ("SignatureMethod", "Algorithm", "", "algorithm"),
    ],
)
def test_a_signature_is_made_as_saml_wants(client, harbor, ada, *, kind, attribute, value, reason):
    form = harbor.bring(client, "ada")
    root = opened(form)
    edit_reference(root, kind, attribute, value)

    refused(client, harbor, harbor.hand_in(client, closed(form, root)), reason)


@pytest.mark.parametrize("kind", ["SignatureValue", "DigestValue", "SignedInfo", "Transforms"])
def test_a_signature_with_a_part_missing_is_none(client, harbor, ada, kind):
    form = harbor.bring(client, "ada")
    root = opened(form)
    part = root.find(f".//{wrapping.D}{kind}")
    part.getparent().remove(part)

    answer = harbor.hand_in(client, closed(form, root))

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("kind", ["SignatureValue", "DigestValue"])
def test_a_signature_with_nothing_in_it_is_none(client, harbor, ada, kind):
    form = harbor.bring(client, "ada")
    root = opened(form)
    root.find(f".//{wrapping.D}{kind}").text = None

    refused(client, harbor, harbor.hand_in(client, closed(form, root)), "signature")


def test_a_second_reference_is_not_taken(client, harbor, ada):
    form = harbor.bring(client, "ada")
    root = opened(form)
    reference = root.find(f".//{wrapping.D}Reference")
    reference.addnext(deepcopy(reference))

    refused(client, harbor, harbor.hand_in(client, closed(form, root)), "references")


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


# --- Which question, which browser, which firm ----------------------------------------------------


def test_an_answer_counts_once(client, harbor, ada):
    form = harbor.bring(client, "ada")
    harbor.hand_in(client, form)
    client.post("/accounts/logout/")

    not_begun(harbor.hand_in(client, form))
    assert "_auth_user_id" not in client.session


def test_an_assertion_is_heard_once_whatever_the_session_says(client, harbor, ada, scope_of):
    form, question = harbor.bring(client, "ada"), client.session["directory_questions"]
    harbor.hand_in(client, form)
    client.logout()
    session = client.session
    session["directory_questions"] = question  # as two requests at the same moment would see it
    session.save()

    answer = harbor.hand_in(client, form)

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
    assert harbor.said()[-1] == ("sign_in.refused", "replayed")
    with scope_of(harbor):
        assert TakenAssertion.objects.count() == 1


def test_an_answer_that_was_refused_counts_no_more_either(client, harbor, ada):
    form = harbor.bring(client, "ada")
    harbor.hand_in(client, {**form, "SAMLResponse": ""})

    not_begun(harbor.hand_in(client, form))


def test_an_answer_counts_in_the_browser_that_asked_only(client, harbor, ada):
    form, thief = harbor.bring(client, "ada"), Client()

    not_begun(harbor.hand_in(thief, form))
    assert "_auth_user_id" not in thief.session


def test_a_victims_browser_takes_no_answer_of_an_attackers(client, harbor, ada):
    harbor.member("eve")
    attackers, victim = harbor.bring(client, "eve"), Client()
    own = parse_qs(urlsplit(harbor.begin(victim)).query)["RelayState"][0]

    not_begun(harbor.hand_in(victim, attackers))
    answer = harbor.hand_in(victim, {**attackers, "RelayState": own})

    assert answer.status_code == 403
    assert harbor.said()[-1] == ("sign_in.refused", "question")
    assert "_auth_user_id" not in victim.session


def test_nobody_is_signed_in_unasked(client, harbor, ada):
    form = harbor.bring(client, "ada")
    thief = Client()

    not_begun(harbor.hand_in(thief, {"SAMLResponse": form["SAMLResponse"]}))


def test_an_answer_for_one_firm_is_none_for_another(client, harbor, quay, ada):
    quay.member("ada", user=ada)
    form = harbor.bring(client, "ada")

    not_begun(quay.hand_in(client, form))
    assert "_auth_user_id" not in client.session


def test_another_firms_directory_answers_no_question_of_this_one(client, harbor, quay, ada):
    """Quay's directory may hold anybody: it signs a true answer, to Quay, about Harbor's ada."""
    quay.knows("ada", name_id="harbor|ada", attributes={"mail": ada.email})
    theirs = quay.bring(client, "ada")
    asked = parse_qs(urlsplit(harbor.begin(client)).query)["RelayState"][0]

    answer = harbor.hand_in(client, {**theirs, "RelayState": asked})

    refused(client, harbor, answer, "issuer")


def test_a_directory_of_several_firms_speaks_for_each_alone(client, harbor, quay, ada):
    """One provider serves both firms: same issuer, same key; the audience tells them apart."""
    quay.agree(issuer=harbor.idp.entity("harbor"), sso_url=harbor.sso_url)
    quay.member("ada", user=ada)
    theirs = harbor.bring(client, "ada")
    ours = client.session["directory_questions"][-1]["question"]
    session = client.session
    kept = {"question": ours, "firm": quay.tenant.pk, "directory": quay.tenant.directory}
    kept |= {"to": quay.inbox, "at": datetime.now(UTC).timestamp()}
    session["directory_questions"] = [kept]
    session.save()

    refused(client, quay, quay.hand_in(client, theirs), "destination")


def test_an_answer_to_a_directory_that_was_replaced_is_none(client, harbor, ada):
    form = harbor.bring(client, "ada")
    harbor.agree()

    not_begun(harbor.hand_in(client, form))


def test_a_certificate_that_was_replaced_signs_nobody_in(client, harbor, ada):
    harbor.agree(certificates=harbor.idp.certificates()["other"])

    answer = harbor.sign_in(client, "ada")

    assert answer.status_code == 403
    assert harbor.said()[-1] == ("sign_in.refused", "signature")


def test_an_openid_question_is_not_answered_by_saml_nor_the_other_way(client, arnesen, harbor, ada):
    arnesen.member("ada", user=ada)
    asked = parse_qs(urlsplit(arnesen.begin(client)).query)["state"][0]
    form = harbor.bring(client, "ada")

    here = client.post(f"{arnesen.path}acs/", {**form, "RelayState": asked, "again": "1"})
    there = client.get(f"{harbor.path}callback/", {"state": form["RelayState"], "code": "x"})

    not_begun(here)
    not_begun(there)


def test_a_question_is_forgotten_after_ten_minutes(client, harbor, ada):
    form = harbor.bring(client, "ada")

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=601)):
        not_begun(harbor.hand_in(client, form))


def test_who_cancels_at_the_directory_is_not_signed_in(client, harbor, ada):
    refused(client, harbor, harbor.sign_in(client, "ada", cancel="1"), "declined")


def test_a_wrong_password_there_comes_back_to_nobody(client, harbor, ada):
    with pytest.raises(WrongPassword):
        harbor.bring(client, "ada", password="wrong")

    assert harbor.said() == SET_UP


@pytest.mark.parametrize("verb", ["get", "put", "delete", "head"])
def test_an_answer_comes_by_a_form_only(client, harbor, verb):
    assert getattr(client, verb)(f"{harbor.path}acs/").status_code == 405


@pytest.mark.parametrize("state", ["", "x", "\u00e9", "x" * 5000])
def test_an_answer_to_no_question_is_a_bad_request(client, harbor, state):
    not_begun(harbor.hand_in(client, {"RelayState": state, "SAMLResponse": "x"}))
    assert harbor.said() == SET_UP


def test_nobody_is_sent_out_from_another_site(harbor):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(harbor.path).status_code == 403


# --- The form that is sent once more --------------------------------------------------------------


def test_what_comes_without_a_session_is_sent_once_more_from_here(client, harbor, ada):
    form, bare = harbor.bring(client, "ada"), Client()

    shown = bare.post(f"{harbor.path}acs/", form)

    within = shown.content.decode().partition("<form")[2].partition("</form>")[0]
    assert shown.status_code == 200
    assert dict(re.findall(r'name="(\w+)" value="([^"]*)"', within)) == {"again": "1", **form}
    assert not shown.cookies  # else they would take the place of the browser's own
    assert "no-store" in shown.headers["Cache-Control"]
    assert client.post(f"{harbor.path}acs/", {**form, "again": "1"}).url == harbor.inbox


def test_a_directory_on_the_same_site_needs_no_second_form(client, harbor, ada):
    form = harbor.bring(client, "ada")

    assert client.post(f"{harbor.path}acs/", form).url == harbor.inbox


def test_what_is_shown_again_is_text(client, harbor):
    evil = '"><script>alert(1)</script>'

    shown = client.post(f"{harbor.path}acs/", {"RelayState": evil, "SAMLResponse": evil})

    assert "<script>alert" not in shown.content.decode()


def test_what_is_too_large_is_not_shown_again(client, harbor):
    form = {"RelayState": "x", "SAMLResponse": "A" * 600_000}

    not_begun(client.post(f"{harbor.path}acs/", form))


def test_it_needs_no_token_of_ours_but_the_question(client, harbor, ada):
    strict = Client(enforce_csrf_checks=True)
    form = harbor.bring(client, "ada")
    strict.cookies = client.cookies

    assert harbor.hand_in(strict, form).url == harbor.inbox
