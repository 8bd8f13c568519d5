"""Signatures that attackers move, take apart or make themselves: none of them is believed."""

import base64
from copy import deepcopy

import pytest

from tests.directories import wrapping
from tests.directories.refusals import refused
from tests.directories.wrapping import closed, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(harbor):
    return harbor.member("ada")


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
