"""From the sign-in page to the firm's directory and into the firm: who comes in."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress

from billing_portal.directories import actions
from billing_portal.directories.models import DirectoryIdentity
from billing_portal.members import invitations
from billing_portal.members.models import Membership, User
from tests.directories.going import PASSWORD as DIRECTORY_PASSWORD
from tests.directories.going import SECRET, SET_UP, by_password, give_password
from tests.factories import MembershipFactory, UserFactory, actor
from tests.visiting import BACKEND, text_of

pytestmark = pytest.mark.django_db


def test_a_member_signs_in_by_the_directory(client, arnesen):
    ada = arnesen.member("ada")

    answer = arnesen.sign_in(client, "ada")

    assert answer.url == arnesen.inbox
    assert client.get(arnesen.inbox).status_code == 200
    assert int(client.session["_auth_user_id"]) == ada.pk
    assert arnesen.bound() == [("arnesen|ada", ada.pk)]
    assert arnesen.said() == [
        *SET_UP,
        ("directory_identity.bound", None),
        ("sign_in.by_directory", None),
    ]


def test_the_second_time_the_key_alone_counts(client, arnesen):
    ada = arnesen.member("ada")
    arnesen.sign_in(client, "ada")
    client.logout()
    arnesen.knows("ada", email="ada.brandt@elsewhere.test", email_verified=False)

    answer = arnesen.sign_in(client, "ada")

    assert answer.url == arnesen.inbox
    assert int(client.session["_auth_user_id"]) == ada.pk
    assert User.objects.get(pk=ada.pk).email == "ada@arnesen.test"


def test_the_answer_comes_to_the_sites_own_address_whatever_host_is_asked(
    client, arnesen, settings
):
    settings.SITE_URL = "https://bills.firm.test"

    answer = client.post(arnesen.path, headers={"Host": "localhost:9999"})

    asked = parse_qs(urlsplit(answer.headers["Refresh"].partition("url=")[2]).query)
    assert asked["redirect_uri"] == [f"https://bills.firm.test{arnesen.path}callback/"]


def test_the_question_has_state_nonce_and_challenge_of_its_own(client, arnesen):
    asked = [parse_qs(urlsplit(arnesen.begin(client)).query) for _ in range(2)]

    first, second = asked
    assert first["response_type"] == ["code"]
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == ["http://testserver/accounts/sso/arnesen/callback/"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 43


def test_sign_in_leads_to_the_page_that_was_asked_for(client, arnesen):
    arnesen.member("ada")
    asked = f"/t/{arnesen.key}/search/?q=x"
    address = arnesen.begin(client, next=asked)
    back = urlsplit(arnesen.idp.sign_in(address, user="ada", password="Tidal-Mooring-18"))

    assert client.get(f"{back.path}?{back.query}").url == asked


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("https://evil.test/", "//evil.test/", "/t/miramar/inbox/", "/accounts/2fa/"),
        *("/t/arnesen", "/t/arnesen/" + "x" * 2000),
    ],
)
def test_sign_in_leads_nowhere_else(client, arnesen, elsewhere):
    arnesen.member("ada")
    address = arnesen.begin(client, next=elsewhere)
    back = urlsplit(arnesen.idp.sign_in(address, user="ada", password="Tidal-Mooring-18"))

    assert client.get(f"{back.path}?{back.query}").url == arnesen.inbox


def test_what_the_browser_held_before_is_gone(client, arnesen, firm):
    other = MembershipFactory.create(tenant=firm).user
    client.force_login(other, backend=BACKEND)
    client.get(f"/t/{firm.slug}/inbox/")
    before = client.session.session_key
    ada = arnesen.member("ada")

    arnesen.sign_in(client, "ada")

    assert int(client.session["_auth_user_id"]) == ada.pk
    assert client.session.session_key != before
    assert client.get(f"/t/{firm.slug}/inbox/").status_code == 404


def test_what_the_same_person_held_before_is_gone_too(client, arnesen):
    by_password(client, give_password(arnesen.member("ada")))
    session = client.session
    session["left"] = "behind"
    session.save()

    arnesen.sign_in(client, "ada")

    assert "left" not in client.session
    records = client.session["account_authentication_methods"]
    assert [record["method"] for record in records] == ["directory"]


# --- Who comes in ---------------------------------------------------------------------------------


def refused(client, firm, name, reason):
    """Hold that somebody did not come in, nothing was bound, and the trail says why."""
    before, users, roles = firm.bound(), User.objects.count(), Membership.objects.count()

    answer = firm.sign_in(client, name)

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
    assert client.get(firm.inbox).status_code == 302
    assert firm.bound() == before
    assert (User.objects.count(), Membership.objects.count()) == (users, roles)
    assert firm.said()[-1] == ("sign_in.refused", reason)
    return text_of(answer)


def test_nobody_becomes_a_member_by_signing_in(client, arnesen):
    arnesen.knows("eve", email="eve@arnesen.test")

    assert "not a member" in refused(client, arnesen, "eve", "directories.not_here")


@pytest.mark.parametrize(
    "said",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email_verified": 1.5},
        {"email": "ada@elsewhere.test"},
        {"email": "ada@arnesen.test.evil.test"},
        {"email": "ada@sub.arnesen.test"},
        {"email": ""},
        {"email": ["ada@arnesen.test"]},
    ],
)
def test_the_first_time_a_verified_address_of_the_firm_is_needed(client, arnesen, said):
    MembershipFactory.create(tenant=arnesen.tenant, user__email="ada@elsewhere.test")
    arnesen.member("ada")
    arnesen.knows("ada", **said)

    refused(client, arnesen, "ada", "directories.not_here")


def test_a_proposed_role_is_no_membership(client, arnesen):
    user = UserFactory.create(email="ada@arnesen.test")
    MembershipFactory.create(tenant=arnesen.tenant, user=user, approved_by="")
    arnesen.knows("ada", email=user.email)

    refused(client, arnesen, "ada", "directories.not_here")


@pytest.mark.parametrize("was_bound", [True, False])
def test_who_has_left_the_firm_does_not_come_in(client, arnesen, was_bound):
    ada = arnesen.member("ada")
    if was_bound:
        arnesen.sign_in(client, "ada")
        client.logout()
    Membership.objects.filter(user=ada).update(ended_at=datetime.now(UTC))

    refused(client, arnesen, "ada", "directories.not_here")


@pytest.mark.parametrize("was_bound", [True, False])
def test_who_is_switched_off_does_not_come_in(client, arnesen, was_bound):
    ada = arnesen.member("ada")
    if was_bound:
        arnesen.sign_in(client, "ada")
        client.logout()
    User.objects.filter(pk=ada.pk).update(is_active=False)

    refused(client, arnesen, "ada", "directories.not_here")


def invite(firm, scope, *, how="open", email="new@arnesen.test"):
    at = datetime.now(UTC) - timedelta(days=8 if how == "too old" else 0)
    ada, luis = actor("owner", number=1), actor("owner", number=2)
    with scope:
        invitation = invitations.invite(
            firm.tenant, email=email, name="New", role="reviewer", by=ada, at=at
        )
        if how != "not approved":
            invitations.approve_by_hand(invitation, by=luis, at=at)
        if how == "withdrawn":
            invitations.withdraw_invitation(invitation, by=ada, at=at)


def test_an_invited_person_comes_in_and_the_invitation_is_used(client, arnesen, scope_of):
    invite(arnesen, scope_of(arnesen))
    arnesen.knows("new", email="New@Arnesen.test")

    answer = arnesen.sign_in(client, "new")

    user = User.objects.get(email="new@arnesen.test")
    assert answer.url == arnesen.inbox
    assert [m.role for m in Membership.objects.filter(user=user)] == ["reviewer"]
    assert not user.has_usable_password()
    assert not EmailAddress.objects.filter(user=user).exists()  # proven to this firm only


@pytest.mark.parametrize("how", ["not approved", "too old", "withdrawn"])
def test_an_invitation_that_is_not_open_lets_nobody_in(client, arnesen, scope_of, how):
    invite(arnesen, scope_of(arnesen), how=how)
    arnesen.knows("new", email="new@arnesen.test")

    refused(client, arnesen, "new", "directories.not_here")


def test_an_invitation_of_another_firm_or_person_lets_nobody_in(client, arnesen, miramar, scope_of):
    invite(miramar, scope_of(miramar))
    invite(arnesen, scope_of(arnesen), email="newer@arnesen.test")
    arnesen.knows("new", email="new@arnesen.test")

    refused(client, arnesen, "new", "directories.not_here")


def test_an_invitation_lets_in_once(client, arnesen, scope_of):
    invite(arnesen, scope_of(arnesen))
    arnesen.knows("new", email="new@arnesen.test")
    arnesen.sign_in(client, "new")
    client.logout()
    Membership.objects.update(ended_at=datetime.now(UTC), ended_by="user:1")
    with scope_of(arnesen):
        actions.release_identity(DirectoryIdentity.objects.get(), by=actor("owner", number=1))

    refused(client, arnesen, "new", "directories.not_here")


def test_an_invited_person_who_is_switched_off_does_not_come_in(client, arnesen, scope_of):
    UserFactory.create(email="new@arnesen.test", is_active=False)
    invite(arnesen, scope_of(arnesen))
    arnesen.knows("new", email="new@arnesen.test")

    refused(client, arnesen, "new", "directories.not_here")


def test_an_address_given_to_somebody_else_does_not_bring_the_account_along(client, arnesen):
    ada = arnesen.member("ada")
    arnesen.sign_in(client, "ada")
    client.logout()
    arnesen.knows("eve", email="ada@arnesen.test")

    refused(client, arnesen, "eve", "directories.another_identity")

    assert arnesen.bound() == [("arnesen|ada", ada.pk)]


def test_a_released_identity_can_be_bound_anew(client, arnesen, scope_of):
    ada = arnesen.member("ada")
    arnesen.sign_in(client, "ada")
    with scope_of(arnesen):
        identity = DirectoryIdentity.objects.get()
        actions.release_identity(identity, by=actor("owner", number=1))
    client.logout()
    arnesen.knows("ada", sub="made anew")

    arnesen.sign_in(client, "ada")

    assert arnesen.bound() == [("made anew", ada.pk)]


def test_a_released_key_is_whoever_brings_it_next(client, arnesen, scope_of):
    arnesen.member("ada")
    bea = UserFactory.create(email="bea@arnesen.test")
    MembershipFactory.create(tenant=arnesen.tenant, user=bea)
    arnesen.sign_in(client, "ada")
    with scope_of(arnesen):
        actions.release_identity(DirectoryIdentity.objects.get(), by=actor("owner", number=1))
    client.logout()
    arnesen.knows("ada", email=bea.email)

    arnesen.sign_in(client, "ada")

    assert int(client.session["_auth_user_id"]) == bea.pk
    assert arnesen.bound() == [("arnesen|ada", bea.pk)]


def test_the_same_key_at_another_issuer_is_another_person(client, arnesen):
    ada, bea = arnesen.member("ada"), arnesen.member("bea")
    arnesen.sign_in(client, "ada")
    client.logout()
    arnesen.idp.open(
        key="elsewhere", name="Elsewhere", client_id="portal-of-arnesen", client_secret=SECRET,
        redirect_uris=[f"http://testserver{arnesen.path}callback/"], people=[],
    )  # fmt: skip
    arnesen.idp.change(
        "elsewhere", "bea", sub="arnesen|ada", password=DIRECTORY_PASSWORD, email=bea.email
    )
    arnesen.agree(issuer=arnesen.idp.issuer("elsewhere"))

    arnesen.sign_in(client, "bea")

    assert int(client.session["_auth_user_id"]) == bea.pk
    assert arnesen.bound() == [("arnesen|ada", ada.pk), ("arnesen|ada", bea.pk)]


@pytest.mark.parametrize(
    "domain", ["not-arnesen.test", "sub.arnesen.test", "arnesen.test.evil.test"]
)
def test_an_address_that_only_looks_like_the_firms_binds_nobody(client, arnesen, domain):
    arnesen.member("eve", user=UserFactory.create(email=f"eve@{domain}"))

    refused(client, arnesen, "eve", "directories.not_here")


def test_a_firms_directory_does_not_sign_in_a_member_of_another_firm_only(client, arnesen, miramar):
    arnesen.member("ada")
    miramar.agree(domains=["miramar.test", "arnesen.test"])
    miramar.knows("ada", email="ada@arnesen.test")

    refused(client, miramar, "ada", "directories.not_here")
