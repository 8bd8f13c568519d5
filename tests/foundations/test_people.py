"""The page "People": proposing, approving and ending, by two people, and what each may see."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing_portal.members import queries
from billing_portal.members.models import Invitation, Letter, Membership
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES
from tests.factories import MembershipFactory, TenantFactory
from tests.visiting import Visitor, text_of

PERSON = {"name": "Noor Aziz", "email": "Noor@firm.test", "role": "reviewer"}


def roles_in(firm, user):
    """Return what a person is in the firm."""
    actor = queries.actor_in(firm, user)
    return actor.roles if actor else ()


@pytest.fixture
def ada(client, firm):
    return Visitor(client, firm)


@pytest.fixture
def luis(firm):
    return Visitor(Client(), firm)


@pytest.fixture
def member(firm):
    return MembershipFactory.create(tenant=firm, role="timekeeper").user


def test_a_role_is_proposed_by_one_and_approved_by_another(ada, luis, firm, member):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    row = Membership.objects.get(role="biller")
    own = text_of(ada.get("people/"))
    theirs = text_of(luis.get("people/"))

    answer = luis.post(f"people/roles/{row.public_id}/approval/")

    assert "You proposed it, so another person decides." in own
    assert "Approve" not in own.partition("Members")[0]
    assert f"Approve {member}" in theirs
    assert answer.status_code == 303
    assert roles_in(firm, member) == ("biller", "timekeeper")
    row.refresh_from_db()
    assert (row.proposed_by, row.approved_by) == (f"user:{ada.user.pk}", f"user:{luis.user.pk}")
    assert row.approved_at is not None


def test_who_is_to_receive_a_role_is_told_that_others_decide(ada, luis, firm):
    ada.post(f"people/{luis.user.public_id}/roles/", {"role": "biller"})
    ada.post("people/invitation/", PERSON | {"email": luis.user.email})
    row = Membership.objects.get(role="biller")
    theirs, inbox = text_of(luis.get("people/")), text_of(luis.get("inbox/"))

    answer = luis.post(f"people/roles/{row.public_id}/approval/", follow=True)
    third = text_of(Visitor(Client(), firm).get("inbox/"))

    assert theirs.count("It is about you, so others decide.") == 2
    assert "Approve" not in inbox
    assert "Another person must approve a role of yours." in text_of(answer)
    assert f"Approve {luis.user} as biller" in third
    assert roles_in(firm, luis.user) == ("owner",)


def test_who_sends_their_own_approval_past_the_page_is_told_why(ada, member):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    row = Membership.objects.get(role="biller")

    ada.post(f"people/roles/{row.public_id}/approval/")

    assert "Another person must approve what you proposed." in text_of(ada.get("people/"))
    row.refresh_from_db()
    assert row.approved_by == ""


def test_a_proposal_is_withdrawn_by_its_proposer_and_declined_by_another(ada, luis, member):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    ada.post(f"people/{member.public_id}/roles/", {"role": "auditor"})
    biller, auditor = Membership.objects.filter(approved_by="").order_by("-role")

    luis.post(f"people/roles/{biller.public_id}/withdrawal/")
    refused = text_of(luis.get("people/"))
    ada.post(f"people/roles/{biller.public_id}/withdrawal/")
    luis.post(f"people/roles/{auditor.public_id}/decline/")

    assert "Somebody else proposed this: decline it instead." in refused
    ended = Membership.objects.filter(ended_at__isnull=False).values_list("role", "ended_by")
    assert set(ended) == {
        ("biller", f"user:{ada.user.pk}"),
        ("auditor", f"user:{luis.user.pk}"),
    }


def test_the_last_owner_is_told_so_in_place_of_a_button(ada, member):
    mine = text_of(ada.get(f"people/{ada.user.public_id}/"))
    row = Membership.objects.get(user=ada.user)

    ada.post(f"people/roles/{row.public_id}/end/")

    assert "The firm's last two owners stay" in mine
    assert "A firm keeps two owners: let another one in first." in text_of(ada.get("people/"))
    row.refresh_from_db()
    assert row.ended_at is None


def test_an_ended_role_stays_on_the_page_of_its_person(ada, firm, member):
    row = Membership.objects.get(user=member)

    ada.post(f"people/roles/{row.public_id}/end/")

    page = text_of(ada.get(f"people/{member.public_id}/"))
    assert queries.actor_in(firm, member) is None
    assert "None here at present." in page
    assert "Timekeeper, ended" in page


def test_what_somebody_may_do_is_explained_by_their_roles(ada, firm, member):
    MembershipFactory.create(tenant=firm, user=member, role="reviewer")

    page = text_of(ada.get(f"people/{member.public_id}/"))

    assert "Approve or return invoices Reviewer" in page
    assert "Read charges Reviewer, Timekeeper" in page
    assert "Finalize invoices" not in page


def test_each_role_is_explained_in_plain_words(ada):
    page = ada.get("people/").content.decode()

    for name in ROLES["auditor"]:
        assert f"<li>{PERMISSIONS[name]}</li>".replace("'", "&#x27;") in page
    assert "Service" not in page


def test_an_invitation_leaves_once_another_person_has_approved_it(ada, luis):
    ada.post("people/invitation/", PERSON)
    row = Invitation.objects.get()
    before = Letter.objects.count()
    own = text_of(ada.get("people/"))

    luis.post(f"people/invitations/{row.public_id}/approval/")

    row.refresh_from_db()
    assert (row.email, before, Letter.objects.count()) == ("noor@firm.test", 0, 1)
    assert "You proposed it, so another person decides." in own
    assert "Sending" in text_of(ada.get("people/"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": "noor"}, "Enter a valid email address."),
        ({"email": "a" * 300 + "@x.test"}, "at most 254 characters"),
        ({"role": "service"}, "Select a valid choice."),
        ({"name": ""}, "This field is required."),
        ({"name": "Noor\u202ezizA"}, "holds a hidden character (U+202E)"),
    ],
)
def test_what_is_wrong_with_an_invitation_is_said_at_its_field(ada, changed, said):
    answer = ada.post("people/invitation/", PERSON | changed)

    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not Invitation.objects.exists()


def test_somebody_is_invited_to_a_role_once(ada):
    ada.post("people/invitation/", PERSON)

    answer = ada.post("people/invitation/", PERSON)

    assert answer.status_code == 422
    assert "is invited as reviewer already" in text_of(answer)
    assert Invitation.objects.count() == 1


def test_a_member_is_not_invited_to_the_role_they_hold(ada, member):
    answer = ada.post("people/invitation/", PERSON | {"email": member.email, "role": "timekeeper"})

    assert answer.status_code == 422
    assert "is timekeeper here already" in text_of(answer)
    assert not Invitation.objects.exists()


def test_the_inbox_of_who_may_approve_holds_what_others_proposed(ada, luis, firm, member):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    ada.post("people/invitation/", PERSON)
    biller = Visitor(Client(), firm, "biller")

    said = f"Approve {member} as biller"
    invited = "Approve the invitation of Noor Aziz as reviewer"
    for_luis, for_ada = text_of(luis.get("inbox/")), text_of(ada.get("inbox/"))

    assert said in for_luis
    assert invited in for_luis
    assert said not in for_ada
    assert invited not in for_ada
    assert said not in text_of(biller.get("inbox/"))


def test_an_auditor_reads_and_is_offered_nothing_to_press(firm, ada, member):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    row = Membership.objects.get(role="biller")
    auditor = Visitor(Client(), firm, "auditor")

    page = auditor.get("people/")
    answers = [
        auditor.post(f"people/roles/{row.public_id}/{verb}/").status_code
        for verb in ("approval", "decline", "withdrawal", "end")
    ]

    body = page.content.decode()
    main = body[body.index("<main") : body.index("</main>")]
    assert "<form" not in main
    assert "An owner decides." in text_of(page)
    assert answers == [403] * 4
    row.refresh_from_db()
    assert (row.approved_by, row.ended_at) == ("", None)


@pytest.mark.parametrize("role", ["timekeeper", "reviewer"])
def test_who_may_not_see_members_does_not(client, firm, role):
    visitor = Visitor(client, firm, role)

    assert visitor.get("people/").status_code == 403
    assert visitor.get(f"people/{visitor.user.public_id}/").status_code == 403


def test_another_firms_people_do_not_exist_here(ada, member):
    other = TenantFactory.create()
    ada.post("people/invitation/", PERSON)
    invitation, role = Invitation.objects.get(), Membership.objects.get(user=member)
    stranger = Visitor(Client(), other)

    answers = [
        stranger.get(f"people/{member.public_id}/").status_code,
        stranger.post(f"people/{member.public_id}/roles/", {"role": "owner"}).status_code,
        stranger.post(f"people/roles/{role.public_id}/end/").status_code,
        stranger.post(f"people/invitations/{invitation.public_id}/approval/").status_code,
        stranger.post(f"people/invitations/{invitation.public_id}/mail/").status_code,
    ]

    assert answers == [404] * 5
    assert str(member) not in text_of(stranger.get("people/"))
    assert Membership.objects.filter(role="owner", tenant__isnull=False, user=member).count() == 0


def test_the_page_takes_as_many_queries_for_many_as_for_few(ada, firm):
    def count():
        with CaptureQueriesContext(connection) as found:
            ada.get("people/")
        return len(found)

    ada.post("people/invitation/", PERSON)
    count()
    few = count()
    for number in range(6):
        MembershipFactory.create(tenant=firm, role="reviewer")
        ada.post("people/invitation/", PERSON | {"email": f"{number}@firm.test"})

    assert count() == few


def test_what_waits_about_a_person_is_decided_on_their_page_but_not_by_who_proposed_it(
    ada, luis, firm, member
):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    row = Membership.objects.get(role="biller")
    approval = f"people/roles/{row.public_id}/approval/"

    own, theirs = ada.get(f"people/{member.public_id}/"), luis.get(f"people/{member.public_id}/")

    assert approval not in own.content.decode()
    assert "You proposed it, so another person decides." in text_of(own)
    assert luis.address(approval) in theirs.content.decode()
    assert f"Approve {member} as biller" in text_of(luis.get("inbox/"))
    assert f"Approve {member} as biller" not in text_of(ada.get("inbox/"))
    luis.post(approval)
    assert "Waits for a second person" not in text_of(luis.get(f"people/{member.public_id}/"))


def test_an_auditor_sees_what_waits_about_a_person_and_no_button(ada, firm, member):
    ada.post(f"people/{member.public_id}/roles/", {"role": "biller"})
    auditor = Visitor(Client(), firm, "auditor")

    page = auditor.get(f"people/{member.public_id}/")

    assert "Waits for a second person" in text_of(page)
    assert "/approval/" not in page.content.decode()
    assert "An owner decides." in text_of(page)
