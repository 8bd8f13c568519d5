"""From the sign-in page to a firm's SAML directory and into the firm: who comes in, and how far."""

import base64
import time
import zlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from lxml import etree

from billing_portal.directories.models import DirectoryIdentity
from billing_portal.members.models import Membership, User
from billing_portal.tenancy.scope import tenant_scope
from tests.directories.going import SET_UP
from tests.factories import MembershipFactory, UserFactory
from tests.outside.saml.answers import moment

pytestmark = pytest.mark.django_db
P = "{urn:oasis:names:tc:SAML:2.0:protocol}"
A = "{urn:oasis:names:tc:SAML:2.0:assertion}"
M = "{urn:oasis:names:tc:SAML:2.0:metadata}"
MULTIPLE = "https://refeds.org/profile/mfa"


def question_of(address):
    """Return what a browser is sent out with, taken apart."""
    asked = parse_qs(urlsplit(address).query)
    raw = zlib.decompress(base64.b64decode(asked["SAMLRequest"][0]), -15)
    return etree.fromstring(raw), asked["RelayState"][0]


def test_a_member_signs_in_by_a_saml_directory(client, harbor):
    ada = harbor.member("ada")

    answer = harbor.sign_in(client, "ada")

    assert answer.url == harbor.inbox
    assert client.get(harbor.inbox).status_code == 200
    assert int(client.session["_auth_user_id"]) == ada.pk
    assert harbor.bound() == [("harbor|ada", ada.pk)]
    assert harbor.said() == [
        *SET_UP,
        ("directory_identity.bound", None),
        ("sign_in.by_directory", None),
    ]


def test_the_question_names_who_asks_and_where_the_answer_goes(client, harbor):
    harbor.agree(sso_url=f"{harbor.sso_url}?tenant=7")

    address = harbor.begin(client)
    asked, _state = question_of(address)

    assert address.startswith(f"{harbor.sso_url}?tenant=7&SAMLRequest=")
    assert asked.tag == f"{P}AuthnRequest"
    assert asked.get("AssertionConsumerServiceURL") == "http://testserver/accounts/sso/harbor/acs/"
    assert asked.get("Destination") == f"{harbor.sso_url}?tenant=7"
    assert asked.get("ForceAuthn") is None
    assert asked.findtext(f"{A}Issuer") == "http://testserver/accounts/sso/harbor/metadata/"


def test_each_question_is_unlike_any_other(client, harbor):
    first, second = (question_of(harbor.begin(client)) for _ in range(2))

    assert first[0].get("ID") != second[0].get("ID")
    assert first[1] != second[1]
    assert len(first[1]) >= 43
    assert len(first[0].get("ID")) >= 43
    assert first[1] not in first[0].get("ID")


def test_sign_in_leads_to_the_page_that_was_asked_for(client, harbor):
    harbor.member("ada")
    asked = "/t/harbor/search/?q=x"
    address = harbor.begin(client, next=asked)
    form = harbor.idp.sign_in(address, user="ada", password="Tidal-Mooring-18")

    assert harbor.hand_in(client, form).url == asked


# --- Who comes in ---------------------------------------------------------------------------------


def not_in(client, firm, name, reason):
    """Hold that somebody did not come in, nothing was bound, and the trail says why."""
    before, users, roles = firm.bound(), User.objects.count(), Membership.objects.count()

    answer = firm.sign_in(client, name)

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
    assert firm.bound() == before
    assert (User.objects.count(), Membership.objects.count()) == (users, roles)
    assert firm.said()[-1] == ("sign_in.refused", reason)


def test_the_second_time_the_key_alone_counts(client, harbor):
    ada = harbor.member("ada")
    harbor.sign_in(client, "ada")
    client.logout()
    harbor.knows("ada", attributes={})

    assert harbor.sign_in(client, "ada").url == harbor.inbox
    assert int(client.session["_auth_user_id"]) == ada.pk


@pytest.mark.parametrize(
    "attributes",
    [{}, {"mail": "ada@elsewhere.test"}, {"mail": ""}, {"email": "ada@harbor.test"}],
)
def test_the_first_time_an_address_of_the_firm_is_needed(client, harbor, attributes):
    MembershipFactory.create(tenant=harbor.tenant, user__email="ada@elsewhere.test")
    harbor.member("ada")
    harbor.knows("ada", attributes=attributes)

    not_in(client, harbor, "ada", "directories.not_here")


def test_nobody_becomes_a_member_by_signing_in(client, harbor):
    harbor.knows("eve", attributes={"mail": "eve@harbor.test"})

    not_in(client, harbor, "eve", "directories.not_here")


def test_an_address_given_to_somebody_else_does_not_bring_the_account_along(client, harbor):
    harbor.member("ada")
    harbor.sign_in(client, "ada")
    client.logout()
    harbor.knows("eve", attributes={"mail": "ada@harbor.test"})

    not_in(client, harbor, "eve", "directories.another_identity")


def test_a_named_attribute_holds_the_key_where_the_name_is_an_address(client, harbor):
    harbor.agree(subject_attribute="urn:oid:0.9.2342", email_attribute="")
    ada = harbor.member("ada")
    harbor.knows(
        "ada",
        name_id="Ada@Harbor.test",
        name_format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        attributes={"urn:oid:0.9.2342": "8812"},
    )

    assert harbor.sign_in(client, "ada").url == harbor.inbox
    assert harbor.bound() == [("8812", ada.pk)]


@pytest.mark.parametrize("values", [[], ["8812", "8813"], [""]])
def test_a_key_that_is_missing_or_not_alone_is_none(client, harbor, values):
    harbor.agree(subject_attribute="number")
    harbor.member("ada")
    harbor.knows("ada", attributes={"mail": "ada@harbor.test", "number": values})

    not_in(client, harbor, "ada", "subject")


def test_a_name_of_the_hour_is_no_key_even_beside_one(client, harbor):
    harbor.agree(subject_attribute="number")
    harbor.member("ada")
    harbor.knows(
        "ada",
        name_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        attributes={"mail": "ada@harbor.test", "number": "8812"},
    )

    not_in(client, harbor, "ada", "transient")


def test_the_same_key_by_the_other_protocol_is_somebody_else(client, harbor):
    ines = UserFactory.create()
    with tenant_scope(harbor.tenant.pk):
        DirectoryIdentity.objects.create(
            issuer=harbor.idp.entity("harbor"), subject="harbor|ada", user=ines
        )
    ada = harbor.member("ada")

    harbor.sign_in(client, "ada")

    assert int(client.session["_auth_user_id"]) == ada.pk


# --- How far a session goes, and how long ---------------------------------------------------------


def test_a_firms_saml_directory_opens_no_other_firm(client, harbor, quay):
    ada = harbor.member("ada")
    MembershipFactory.create(tenant=quay.tenant, user=ada, role="owner")

    harbor.sign_in(client, "ada")

    assert client.get(harbor.inbox).status_code == 200
    assert client.get(quay.inbox).status_code == 404
    assert client.get("/accounts/password/change/").status_code == 403


def test_a_directory_that_was_replaced_ends_the_sessions_it_began(client, harbor):
    harbor.member("ada")
    harbor.sign_in(client, "ada")

    harbor.agree()

    assert client.get(harbor.inbox).status_code == 302


@pytest.mark.parametrize(("after", "status"), [(500, 200), (601, 302)])
def test_a_session_ends_when_the_directory_says(client, harbor, after, status):
    harbor.member("ada")
    harbor.lies(session_ends=moment(600))
    harbor.sign_in(client, "ada")

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=after), tick=False):
        assert client.get(harbor.inbox).status_code == status


def test_who_is_there_is_asked_to_prove_it_anew(client, harbor):
    harbor.member("ada")
    harbor.sign_in(client, "ada")

    asked, _state = question_of(harbor.begin(client))

    assert asked.get("ForceAuthn") == "true"


@pytest.mark.parametrize(("seconds", "is_proof"), [(0, True), (50, True), (3600, False)])
def test_an_open_session_there_is_no_fresh_proof(client, harbor, seconds, is_proof):
    harbor.member("ada")
    harbor.sign_in(client, "ada")
    harbor.lies(began=moment(-seconds))
    session = client.session
    session["account_authentication_methods"] = [{"method": "directory", "at": 1}]
    session.save()

    answer = harbor.sign_in(client, "ada")

    assert (answer.status_code == 302) is is_proof
    proofs = [each["at"] for each in client.session["account_authentication_methods"]]
    assert (max(proofs) > time.time() - 60) is is_proof
    if not is_proof:
        assert harbor.said()[-1] == ("sign_in.refused", "stale")


def test_an_old_session_there_may_begin_one_here(client, harbor):
    harbor.member("ada")
    harbor.lies(began=moment(-3600))

    assert harbor.sign_in(client, "ada").url == harbor.inbox


@pytest.mark.parametrize(
    ("agreed", "context", "spares"),
    [
        (MULTIPLE, MULTIPLE, True),
        (MULTIPLE, "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", False),
        ("", MULTIPLE, False),
        ("", "", False),
        ("", "mfa", False),
    ],
)
def test_only_the_context_that_the_firm_named_spares_the_second_factor(
    client, harbor, agreed, context, spares
):
    harbor.agree(strong_acr=agreed)
    ada = harbor.member("ada")
    TOTP.activate(ada, generate_totp_secret())
    harbor.knows("ada", context=context)

    answer = harbor.sign_in(client, "ada")

    assert answer.url == (harbor.inbox if spares else "/accounts/2fa/authenticate/")
    assert ("_auth_user_id" in client.session) is spares


# --- What the portal says of itself ---------------------------------------------------------------


def test_the_portal_describes_itself_to_a_directory(client, harbor):
    answer = client.get(f"{harbor.path}metadata/")

    root = etree.fromstring(answer.content)
    consumer = root.find(f"{M}SPSSODescriptor/{M}AssertionConsumerService")
    assert answer.headers["Content-Type"] == "application/samlmetadata+xml"
    assert root.get("entityID") == f"http://testserver{harbor.path}metadata/"
    assert consumer.get("Location") == f"http://testserver{harbor.path}acs/"
    assert root.find(f"{M}SPSSODescriptor").get("WantAssertionsSigned") == "true"


def test_the_addresses_are_the_sites_own_whatever_host_is_asked(client, harbor, settings):
    settings.SITE_URL = "https://bills.firm.test/"

    page = client.get(f"{harbor.path}metadata/", headers={"Host": "localhost:9999"})

    root = etree.fromstring(page.content)
    consumer = root.find(f"{M}SPSSODescriptor/{M}AssertionConsumerService")
    assert root.get("entityID") == f"https://bills.firm.test{harbor.path}metadata/"
    assert consumer.get("Location") == f"https://bills.firm.test{harbor.path}acs/"


def test_it_tells_nobody_whether_there_is_such_a_firm(client, harbor, firm):
    def of(slug):
        page = client.get(f"/accounts/sso/{slug}/metadata/")
        return page.status_code, page.content.decode().replace(slug, "…")

    assert of("harbor") == of(firm.slug) == of("no-such-firm")


@pytest.mark.parametrize("slug", ["no-such-firm", "firm"])
def test_a_firm_without_a_directory_takes_no_answer(client, firm, slug):
    address = f"/accounts/sso/{firm.slug if slug == 'firm' else slug}/acs/"

    assert client.post(address, {"SAMLResponse": "x"}).status_code == 404
