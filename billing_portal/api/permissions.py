"""One permission for each verb of an endpoint, named on the endpoint."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from billing_portal.tenancy.actors import Actor


class HasPermission(BasePermission):
    """Let pass who holds the permission that the endpoint names for this verb.

    An endpoint has ``permissions = {"list": "invoices.read", …}``; a verb it does not name is a bug
    and crashes, so that nothing is open by omission.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Pass, or refuse with the name of what is missing.

        :raises MissingPermission: which the problem handler answers with 403.
        """
        if view.action in {None, "metadata"}:
            return True  # a verb that the endpoint does not offer: DRF answers 405
        cast(Actor, request.user).must(view.permissions[view.action])
        return True
