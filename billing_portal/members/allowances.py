"""From which buckets a request draws: its key's, firm's and address's, or those of failures."""

from __future__ import annotations

from django.http import HttpRequest

from billing_portal.api.costs import cost_of
from billing_portal.api.limits import Draw, holder_of_address
from billing_portal.members.keys import peer_of, prefix_of
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant


def of_key(request: HttpRequest, tenant: Tenant, actor: Actor) -> list[Draw]:
    """Return what a request with a good key draws.

    A key at which too many wrong secrets were tried from this address is refused there, so that the
    answer does not tell a right guess from a wrong one; other keys and other addresses go on.
    """
    cost, address = cost_of(request), _address(request)
    return [
        Draw("address", address, cost),
        Draw("firm", str(tenant.pk), cost),
        Draw("key", str(actor.id), cost),
        Draw("failures", f"{address}/{prefix_of(request)}", 1, is_look=True),
    ]


def of_stranger(request: HttpRequest) -> list[Draw]:
    """Return what a request without a good key draws: whatever it asks for, it is one guess."""
    cost_of(request)  # so that the answer is told apart by route
    address, prefix = _address(request), prefix_of(request)
    found = [Draw("address", address, 1), Draw("failures", address, 1)]
    if prefix:
        found.append(Draw("failures", f"{address}/{prefix}", 1))
    return found


def of_post(request: HttpRequest) -> list[Draw]:
    """Return what a form draws: the person's allowance and the address's; sign-in has axes too."""
    found = [Draw("posts-address", _address(request), 1)]
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        found.append(Draw("posts", str(user.pk), 1))
    return found


def _address(request: HttpRequest) -> str:
    return holder_of_address(peer_of(request))
