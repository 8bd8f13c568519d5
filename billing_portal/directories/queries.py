"""Which directory is in force, and who may have meant which."""

from __future__ import annotations

from billing_portal.directories.models import Directory, DirectoryIdentity
from billing_portal.tenancy.models import Tenant


def directory_in_force() -> Directory | None:
    """Return the current firm's directory, if it has one. One query."""
    found: Directory | None = Directory.objects.filter(state=Directory.State.ACTIVE).first()
    return found


def firms_speaking_for(email: str) -> list[Tenant]:
    """Return the firms whose directory speaks for an address, by name. One query.

    The address need not exist, nor be anybody's: nothing is learned about people from it.
    """
    domain = email.rpartition("@")[2].strip().lower()
    if not domain:
        return []
    return list(Tenant.objects.filter(directory_domains__contains=[domain]).order_by("name"))


def has_been_used(issuer: str, *, protocol: str) -> bool:
    """Say whether somebody of the current firm has come in by this issuer so. One query."""
    return DirectoryIdentity.objects.filter(
        protocol=protocol, issuer=issuer, released_by=""
    ).exists()
