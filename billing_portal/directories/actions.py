"""Where a firm's people sign in: proposed by one, approved by another; and who comes in by it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import IntegrityError, transaction

from billing_portal.audit.trail import record
from billing_portal.directories.assertions import Provider
from billing_portal.directories.certificates import certificates_in, fingerprint
from billing_portal.directories.models import (
    Directory,
    DirectoryIdentity,
    Protocol,
    TakenAssertion,
)
from billing_portal.directories.proposing import checked
from billing_portal.directories.queries import has_been_used
from billing_portal.directories.relying import Client
from billing_portal.directories.tokens import NotProven, Person
from billing_portal.errors import Refused
from billing_portal.members import queries as members
from billing_portal.members.actions import NotOpen, OwnProposal, add_user
from billing_portal.members.invitations import join
from billing_portal.members.models import Invitation, User
from billing_portal.tenancy.actors import Actor, system
from billing_portal.tenancy.encryption import lock_up, open_up
from billing_portal.tenancy.models import Tenant
from billing_portal.texts import refuse_hidden

_TABLE, _COLUMN = "directories_directory", "client_secret"
DOOR = system("sign-in")


class AlreadyProposed(Refused):
    """Another directory waits for approval; it is decided first."""

    code = "directories.already_proposed"


class NeverUsed(Refused):
    """A directory that nobody has come in by cannot be required: it could lock everybody out."""

    code = "directories.never_used"


class NotHere(Refused):
    """Whom the directory names is no member of the firm, and has no invitation."""

    code = "directories.not_here"


class AnotherIdentity(Refused):
    """The address belongs to a user whom the directory knows by another key."""

    code = "directories.another_identity"


@transaction.atomic
def propose_directory(
    *,
    issuer: str,
    domains: list[str],
    by: Actor,
    protocol: str = Protocol.OIDC,
    is_required: bool = False,
    strong_acr: str = "",
    **said: str,
) -> Directory:
    """Propose where the firm's people sign in; it counts once another person has approved it.

    The secret is given with each proposal: it belongs to its issuer and goes to no other.

    :param said: ``client_id`` and ``client_secret`` of OpenID Connect; ``sso_url``,
        ``certificates``, ``subject_attribute`` and ``email_attribute`` of SAML.
    :raises BadDirectory: when a value cannot be.
    :raises HiddenCharacter: for a text with a character that cannot be seen.
    :raises AlreadyProposed: while another proposal waits.
    :raises NeverUsed: when it is required and nobody has come in by this issuer yet.
    """
    by.must("directories.edit")
    in_lines = {name: said[name] for name in said if name not in {"client_secret", "certificates"}}
    refuse_hidden({"issuer": issuer, "strong_acr": strong_acr, **in_lines})
    told = checked(protocol, issuer, domains, said)
    if is_required and not has_been_used(told["issuer"], protocol=protocol):
        raise NeverUsed("Let somebody come in by it first; then propose it again as required.")
    secret = told.pop("client_secret", "")
    directory = Directory(
        **told, is_required=is_required, strong_acr=strong_acr.strip(), proposed_by=by.ref
    )
    if secret:
        directory.client_secret = lock_up(secret, table=_TABLE, column=_COLUMN, row=directory.uid)
    try:
        with transaction.atomic():
            directory.save()
    except IntegrityError as error:
        raise AlreadyProposed("Another directory waits for approval: decide that first.") from error
    record("directory.proposed", directory, by=by, **_told(directory))
    return directory


@transaction.atomic
def approve_directory(directory: Directory, *, by: Actor) -> Directory:
    """Let the firm's people sign in by a proposed directory; the one before it ends.

    Sessions that the one before began end with it.

    :raises OwnProposal: when the approver proposed it.
    :raises NotOpen: when it was decided before.
    :raises NeverUsed: when it is required and nobody comes in by this issuer any more.
    """
    by.must("directories.approve")
    directory = _locked(directory, Directory.State.PROPOSED)
    if directory.proposed_by == by.ref:
        raise OwnProposal("Another person must approve what you proposed.")
    if directory.is_required and not has_been_used(directory.issuer, protocol=directory.protocol):
        raise NeverUsed("Nobody has come in by this directory yet, so it cannot be required.")
    for before in Directory.objects.select_for_update().filter(state=Directory.State.ACTIVE):
        _end(before, proposed_by=directory.proposed_by, by=by)
    directory.state, directory.decided_by = Directory.State.ACTIVE, by.ref
    directory.save(update_fields=["state", "decided_by"])
    _note(directory.tenant, directory)
    record("directory.approved", directory, by=by, **_told(directory))
    return directory


@transaction.atomic
def reject_directory(directory: Directory, *, by: Actor) -> Directory:
    """Turn a proposed directory down; its proposer may take it back so, too.

    :raises NotOpen: when it was decided before.
    """
    by.must("directories.edit")
    directory = _locked(directory, Directory.State.PROPOSED)
    directory.state, directory.decided_by = Directory.State.REJECTED, by.ref
    directory.save(update_fields=["state", "decided_by"])
    record("directory.rejected", directory, by=by)
    return directory


@transaction.atomic
def propose_end(directory: Directory, *, by: Actor) -> Directory:
    """Propose that the firm's people sign in by password again.

    :raises NotOpen: when it is not in force, or its end is proposed already.
    """
    by.must("directories.edit")
    directory = _locked(directory, Directory.State.ACTIVE)
    if directory.end_proposed_by:
        raise NotOpen("Its end is proposed already.")
    directory.end_proposed_by = by.ref
    directory.save(update_fields=["end_proposed_by"])
    record("directory.end_proposed", directory, by=by)
    return directory


@transaction.atomic
def approve_end(directory: Directory, *, by: Actor) -> Directory:
    """End a directory, and every session that it began.

    :raises OwnProposal: when the approver proposed the end.
    :raises NotOpen: when nobody did, or it has ended.
    """
    by.must("directories.approve")
    directory = _locked(directory, Directory.State.ACTIVE)
    if not directory.end_proposed_by:
        raise NotOpen("Nobody has proposed to end it.")
    if directory.end_proposed_by == by.ref:
        raise OwnProposal("Another person must approve what you proposed.")
    return _end(directory, proposed_by=directory.end_proposed_by, by=by)


@transaction.atomic
def lift_directory(tenant: Tenant, *, by: Actor) -> Directory:
    """End the current firm's directory at once: for who runs the portal, when it locks all out.

    :raises NotOpen: when none is in force.
    """
    by.must("directories.approve")
    directory = Directory.objects.select_for_update().filter(state=Directory.State.ACTIVE).first()
    if directory is None:
        raise NotOpen(f"{tenant} has no directory in force.")
    return _end(directory, proposed_by="", by=by)


@transaction.atomic
def release_identity(identity: DirectoryIdentity, *, by: Actor) -> DirectoryIdentity:
    """Forget who in the directory a user is, as after the directory made them anew.

    :raises NotOpen: when it was forgotten before.
    """
    by.must("directories.approve")
    identity = DirectoryIdentity.objects.select_for_update().get(pk=identity.pk)
    if identity.released_by:
        raise NotOpen("It was released before.")
    identity.released_by = by.ref
    identity.save(update_fields=["released_by"])
    record("directory_identity.released", identity, by=by, user=identity.user.public_id)
    return identity


@transaction.atomic
def come_in(directory: Directory, person: Person, *, at: datetime) -> User:
    """Return the user whom the firm's directory has proven: a member, or one who was invited.

    The first time, a verified address of the firm's domains finds them, and binds them to the
    directory's own key; from then on the key alone counts. Nobody becomes a member by it but by an
    invitation that two people of the firm have made.

    :raises NotHere: when they are neither, or have been.
    :raises AnotherIdentity: when the address is of a user whom the directory knew by another key:
        addresses are given to other people.
    """
    known = (
        DirectoryIdentity.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(
            protocol=directory.protocol,
            issuer=person.issuer,
            subject=person.subject,
            released_by="",
        )
        .first()
    )
    if known is not None:
        user: User = known.user
        _refuse_stranger(directory.tenant, user)
        return user
    return _bound(directory, person, at)


@transaction.atomic
def record_refused(directory: Directory, *, reason: str) -> None:
    """Write down that somebody did not get in by the firm's directory, and why."""
    record("sign_in.refused", directory, by=DOOR, reason=reason)


def client_of(directory: Directory) -> Client:
    """Return a directory with its secret in clear, for one sign-in and never for a page."""
    secret = open_up(directory.client_secret, table=_TABLE, column=_COLUMN, row=directory.uid)
    return Client(directory.issuer, directory.client_id, secret)


def provider_of(directory: Directory) -> Provider:
    """Return a SAML directory as the protocol knows it; it has no secret."""
    return Provider(
        directory.issuer,
        directory.sso_url,
        certificates_in(directory.certificates),
        directory.subject_attribute,
        directory.email_attribute,
    )


@transaction.atomic
def take_assertion(directory: Directory, name: str) -> TakenAssertion:
    """Note that a directory has said something, so that it is not heard twice.

    :raises NotProven: when it was heard before, in whichever browser.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        with transaction.atomic():
            return TakenAssertion.objects.create(issuer=directory.issuer, digest=digest)
    except IntegrityError as error:
        raise NotProven("replayed") from error


def _bound(directory: Directory, person: Person, at: datetime) -> User:
    tenant = directory.tenant
    if person.email.rpartition("@")[2] not in directory.domains:
        raise NotHere(_not_here(tenant))
    user = User.objects.filter(email=person.email).first()
    if user is None or members.actor_in(tenant, user) is None:
        user = _invited(tenant, person.email, at)
    try:
        with transaction.atomic():
            identity = DirectoryIdentity.objects.create(
                protocol=directory.protocol,
                issuer=person.issuer,
                subject=person.subject,
                user=user,
            )
    except IntegrityError as error:
        raise AnotherIdentity(
            "Your firm's directory knows this address by another account. "
            "An owner of your firm can release it."
        ) from error
    by = members.actor_in(tenant, user)
    record("directory_identity.bound", identity, by=by or DOOR, user=user.public_id)
    return user


def _invited(tenant: Tenant, email: str, at: datetime) -> User:
    """Accept the open invitations of an address, which the firm's own directory has proven."""
    open_ones = list(
        Invitation.objects.select_for_update()
        .filter(
            tenant=tenant,
            email=email,
            accepted_at__isnull=True,
            withdrawn_at__isnull=True,
            expires_at__gt=at,
        )
        .exclude(approved_by="")
        .order_by("pk")
    )
    if not open_ones:
        raise NotHere(_not_here(tenant))
    user = add_user(email=email, name=open_ones[0].name)
    if not user.is_active:
        raise NotHere(_not_here(tenant))
    for invitation in open_ones:
        join(invitation, user, at=at)
    return user


def _refuse_stranger(tenant: Tenant, user: User) -> None:
    if members.actor_in(tenant, user) is None:
        raise NotHere(_not_here(tenant))


def _not_here(tenant: Tenant) -> str:
    return f"You are not a member of {tenant} here. Ask one of its owners to invite you."


def _locked(directory: Directory, state: str) -> Directory:
    found: Directory = Directory.objects.select_for_update().get(pk=directory.pk)
    if found.state != state:
        raise NotOpen(f"It is {found.get_state_display().lower()}.")
    return found


def _end(directory: Directory, *, proposed_by: str, by: Actor) -> Directory:
    directory.state = Directory.State.ENDED
    directory.end_proposed_by, directory.ended_by = proposed_by, by.ref
    directory.save(update_fields=["state", "end_proposed_by", "ended_by"])
    _note(directory.tenant, None)
    record("directory.ended", directory, by=by)
    return directory


def _note(tenant: Tenant, directory: Directory | None) -> None:
    """Note on the firm what its doors must know before a scope is open."""
    Tenant.objects.filter(pk=tenant.pk).update(
        directory="" if directory is None else directory.public_id,
        directory_domains=[] if directory is None else directory.domains,
        requires_directory=directory is not None and directory.is_required,
    )


def _told(directory: Directory) -> dict[str, object]:
    pinned = certificates_in(directory.certificates) if directory.certificates else []
    return {
        "protocol": directory.protocol,
        "issuer": directory.issuer,
        "sso_url": directory.sso_url,
        "certificates": [fingerprint(each) for each in pinned],
        "subject_attribute": directory.subject_attribute,
        "email_attribute": directory.email_attribute,
        "client_id": directory.client_id,
        "domains": directory.domains,
        "is_required": directory.is_required,
        "strong_acr": directory.strong_acr,
    }
