"""A session that a firm's directory began: how far it goes, and which proofs it still asks for."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from billing_portal.directories import actions
from billing_portal.members.models import User
from tests.directories.going import by_password, give_password
from tests.factories import MembershipFactory
from tests.visiting import one_time_code, text_of

pytestmark = pytest.mark.django_db


# --- How far a session goes -----------------------------------------------------------------------


@pytest.fixture
def both(arnesen, miramar):
    """Ada, a member of both firms, whose address Miramar's directory claims as well."""
    ada = give_password(arnesen.member("ada"))
    MembershipFactory.create(tenant=miramar.tenant, user=ada, role="owner")
    miramar.agree(domains=["miramar.test", "arnesen.test"])
    miramar.knows("ada", email="ada@arnesen.test")
    return ada


def test_a_firms_directory_opens_no_other_firm(client, arnesen, miramar, both):
    miramar.sign_in(client, "ada")

    nowhere = client.get("/t/no-such-firm/inbox/")
    assert client.get(miramar.inbox).status_code == 200
    for path in ("inbox/", "admin/", "invoices/", "audit/"):
        theirs = client.get(f"/t/{arnesen.key}/{path}")
        assert theirs.status_code == 404
        assert arnesen.tenant.name not in theirs.content.decode()
    assert text_of(client.get(arnesen.inbox)) == text_of(nowhere)
    assert client.get("/").url == miramar.inbox
    assert arnesen.tenant.name not in client.get("/accounts/firms/").content.decode()


def test_the_same_key_in_two_directories_is_two_people(client, arnesen, miramar):
    ada, ines = arnesen.member("ada"), miramar.member("ines")
    arnesen.knows("ada", sub="1")
    miramar.knows("ines", sub="1")
    arnesen.sign_in(client, "ada")
    client.logout()

    miramar.sign_in(client, "ines")

    assert int(client.session["_auth_user_id"]) == ines.pk
    assert (arnesen.bound(), miramar.bound()) == ([("1", ada.pk)], [("1", ines.pk)])


OWN_ACCOUNT = [
    *("password/change/", "password/set/", "email/", "2fa/", "2fa/totp/activate/"),
    *("2fa/webauthn/add/", "2fa/webauthn/", "2fa/recovery-codes/generate/", "signup/"),
]


@pytest.mark.parametrize("verb", ["get", "post"])
@pytest.mark.parametrize("path", OWN_ACCOUNT)
@pytest.mark.parametrize("inside", ["", "t/miramar/"])
def test_a_firms_directory_does_not_touch_the_persons_own_account(
    client, miramar, both, *, path, verb, inside
):
    User.objects.filter(pk=both.pk).update(password="!unusable")
    miramar.sign_in(client, "ada")
    form = {"password1": "another long one", "password2": "another long one"}

    answer = getattr(client, verb)(f"/{inside}accounts/{path}", form)

    assert answer.status_code == 403
    assert "Your firm keeps how you sign in" in text_of(answer)
    assert User.objects.get(pk=both.pk).password == "!unusable"
    assert not Authenticator.objects.exists()


def test_a_person_who_came_by_the_directory_can_sign_out_and_choose_a_theme(client, arnesen):
    arnesen.member("ada")
    arnesen.sign_in(client, "ada")

    client.post("/accounts/theme/", {"theme": "dark", "next": "/"})
    assert User.objects.get().theme == "dark"
    client.post("/accounts/logout/")
    assert client.get(arnesen.inbox).status_code == 302


def test_a_password_opens_every_firm_that_requires_no_directory(client, arnesen, miramar, both):
    by_password(client, both)

    assert client.get(arnesen.inbox).status_code == 200
    assert client.get(miramar.inbox).status_code == 200


def test_a_directory_that_ends_takes_its_sessions_along(client, arnesen, scope_of):
    arnesen.member("ada")
    arnesen.sign_in(client, "ada")
    with scope_of(arnesen):
        actions.lift_directory(arnesen.tenant, by=actions.DOOR)

    answer = client.get(arnesen.inbox)

    assert answer.url == f"/accounts/login/?next={arnesen.inbox}"
    assert "_auth_user_id" not in client.session


def test_a_directory_that_is_replaced_takes_its_sessions_along(client, arnesen):
    arnesen.member("ada")
    arnesen.sign_in(client, "ada")
    arnesen.agree()

    assert client.get(arnesen.inbox).status_code == 302


# --- Where a directory is required ----------------------------------------------------------------


@pytest.fixture
def required(client, arnesen):
    """Ada, whose firm lets nobody in but by its directory."""
    ada = give_password(arnesen.member("ada"))
    arnesen.sign_in(client, "ada")
    client.logout()
    arnesen.agree(is_required=True)
    return ada


def test_a_required_directory_is_the_only_way_in(client, arnesen, required):
    answer = by_password(client, required)

    assert answer.url == arnesen.path
    assert "_auth_user_id" not in client.session
    assert client.get(arnesen.inbox).url == f"{arnesen.path}?next={arnesen.inbox}"
    assert arnesen.sign_in(client, "ada").url == arnesen.inbox
    assert client.get(arnesen.inbox).status_code == 200


def test_a_wrong_password_learns_nothing_of_the_directory(client, arnesen, required):
    known = client.post("/accounts/login/", {"login": required.email, "password": "wrong"})
    unknown = client.post("/accounts/login/", {"login": "no@arnesen.test", "password": "wrong"})

    assert (known.status_code, known.context["form"].errors) == (
        unknown.status_code,
        unknown.context["form"].errors,
    )


def test_a_password_opens_the_other_firm_only(client, arnesen, miramar, required):
    MembershipFactory.create(tenant=miramar.tenant, user=required)

    by_password(client, required)

    assert client.get(miramar.inbox).status_code == 200
    assert client.get(arnesen.inbox).url == f"{arnesen.path}?next={arnesen.inbox}"


def test_another_firms_directory_opens_no_firm_that_requires_its_own(
    client, arnesen, miramar, required
):
    MembershipFactory.create(tenant=miramar.tenant, user=required)
    miramar.agree(domains=["arnesen.test"])
    miramar.knows("ada", email="ada@arnesen.test")

    miramar.sign_in(client, "ada")

    assert client.get(miramar.inbox).status_code == 200
    assert client.get(arnesen.inbox).status_code == 404


# --- The second factor ----------------------------------------------------------------------------


@pytest.fixture
def secret(both):
    """The key of Ada's authenticator app."""
    secret = generate_totp_secret()
    TOTP.activate(both, secret)
    RecoveryCodes.activate(both)
    return secret


def test_our_second_factor_is_asked_for_after_the_directory(client, arnesen, miramar, secret):
    answer = miramar.sign_in(client, "ada")

    assert answer.url == "/accounts/2fa/authenticate/"
    assert client.get(miramar.inbox).status_code == 302
    assert ("sign_in.by_directory", None) not in miramar.said()
    client.post("/accounts/2fa/authenticate/", {"code": one_time_code(secret)})
    assert client.get(miramar.inbox).status_code == 200
    assert client.get(arnesen.inbox).status_code == 404  # the factor widens nothing
    assert client.get("/accounts/2fa/").status_code == 403
    assert miramar.said()[-1] == ("sign_in.by_directory", None)


@pytest.mark.parametrize(
    ("said", "strong_acr", "goes_on"),
    [
        ({"amr": ["pwd", "mfa"]}, "", "inbox"),
        ({"amr": ["pwd", "otp"]}, "", "authenticate"),
        ({"amr": "mfa"}, "", "authenticate"),
        ({"amr": ["pwd"], "acr": "gold"}, "gold", "inbox"),
        ({"amr": ["pwd"], "acr": "silver"}, "gold", "authenticate"),
        ({"amr": ["pwd"], "acr": ""}, "", "authenticate"),
        ({"amr": ["pwd"]}, "gold", "authenticate"),
    ],
)
def test_our_second_factor_is_spared_where_the_directory_asked_for_two(
    client, miramar, secret, *, said, strong_acr, goes_on
):
    miramar.agree(domains=["arnesen.test"], strong_acr=strong_acr)
    miramar.knows("ada", **said)

    assert goes_on in miramar.sign_in(client, "ada").url


# --- A proof of who is there, for what is grave ---------------------------------------------------


def later(client):
    """Let the sign-in be ten minutes ago."""
    session = client.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [
        {**record, "at": record["at"] - 600} for record in records
    ]
    session.save()


@pytest.fixture
def grave(client, arnesen):
    """Ada by the directory, ten minutes ago, and a role that waits for her approval."""
    arnesen.member("ada", role="owner")
    arnesen.sign_in(client, "ada")
    later(client)
    row = MembershipFactory.create(tenant=arnesen.tenant, role="biller", approved_by="")
    return row, f"/t/arnesen/people/roles/{row.public_id}/approval/"


def test_a_sign_in_by_the_directory_counts_as_a_proof_for_a_while(client, arnesen, grave):
    row, path = grave
    before = client.post(path)
    arnesen.sign_in(client, "ada")

    client.post(path)

    row.refresh_from_db()
    assert "/accounts/reauthenticate/" in before.url
    assert row.approved_by != ""


def test_the_proof_is_asked_of_the_directory_anew(client, arnesen, grave):
    way = client.post(grave[1], headers={"Referer": "http://testserver/t/arnesen/people/"}).url
    start = client.get(way).url
    address = arnesen.begin(client, next="/t/arnesen/people/")
    asked = parse_qs(urlsplit(address).query)

    assert start == f"{arnesen.path}?next=%2Ft%2Farnesen%2Fpeople%2F"
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])


@pytest.mark.parametrize("when", [None, "now", -600])
def test_an_open_session_at_the_directory_is_no_proof(client, arnesen, grave, when):
    said = int(datetime.now(UTC).timestamp()) + when if isinstance(when, int) else when
    arnesen.idp.set_faults("arnesen", claims={"auth_time": said})

    answer = arnesen.sign_in(client, "ada")

    assert answer.status_code == 403
    assert arnesen.said()[-1] == ("sign_in.refused", "stale")
