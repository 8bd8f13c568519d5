"""Carriers: how their sites are used, with which login, and whether anything is uploaded now."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from billing_portal.audit.trail import record
from billing_portal.errors import Refused, Stale
from billing_portal.members.models import User
from billing_portal.outbox.events import publish
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.encryption import lock_up, open_up
from billing_portal.texts import refuse_hidden
from customers.actions.checks import refuse_strangers
from invoices.gateways.carriers.base import Credentials
from invoices.gateways.carriers.browser import checked_origin
from invoices.gateways.carriers.recipe import Recipe
from invoices.gateways.carriers.recipe_check import recipe_from
from invoices.ledes.profile import profile_of
from invoices.models import Carrier, CarrierLogin, CarrierRecipe

_TABLE = "invoices_carrierlogin"


class CarrierKnown(Refused):
    """Another carrier of the firm has this code."""

    code = "carriers.code_taken"


class CarrierNotReady(Refused):
    """The carrier has no recipe, no login, or nobody has allowed automation."""

    code = "carriers.not_ready"


class BadSite(Refused):
    """What was given is no address of a site, or would carry a password in the clear."""

    code = "carriers.bad_site"


@transaction.atomic
def add_carrier(
    *, code: str, name: str, origin: str, by: Actor, profile: dict[str, Any] | None = None
) -> Carrier:
    """Add a carrier; nothing is uploaded before it has a recipe, a login and a person's word.

    :param profile: how its LEDES files deviate from the standard; nothing is the standard.
    :raises CarrierKnown: when the code is taken.
    :raises HiddenCharacter: for a name or code with a character that cannot be seen.
    :raises BadSite: when the origin is none, or not encrypted.
    :raises BadProfile: when the profile is none.
    """
    by.must("carriers.edit")
    refuse_hidden({"code": code, "name": name})
    origin, profile = _site(origin), _checked_profile(code, profile)
    try:
        with transaction.atomic():
            carrier: Carrier = Carrier.objects.create(
                code=code, name=name, origin=origin, profile=profile
            )
    except IntegrityError as error:
        raise CarrierKnown(f"Another carrier has the code {code}.") from error
    record("carrier.added", carrier, by=by, code=code)
    publish("carrier.added", about=carrier.public_id, code=code)
    return carrier


@transaction.atomic
def change_carrier(carrier: Carrier, *, by: Actor, version_seen: int, **values: Any) -> Carrier:
    """Change a carrier's name, site or LEDES profile; files that are made already stay.

    A login belongs to the site that it was given for: at another one, it has to be given anew and a
    person has to allow automation again, so that nobody turns a password to a place of their own.

    :raises Stale: when it has changed since it was read.
    :raises BadSite: when the origin is none, or not encrypted.
    :raises BadProfile: when the profile is none.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    by.must("carriers.edit")
    refuse_hidden(values)
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    if carrier.version != version_seen:
        raise Stale(version_seen, carrier.version)
    before = {"name": carrier.name, "origin": carrier.origin, "profile": carrier.profile}
    carrier.name = values.get("name", carrier.name)
    carrier.origin = _site(values.get("origin", carrier.origin))
    carrier.profile = _checked_profile(carrier.code, values.get("profile", carrier.profile))
    if carrier.origin != before["origin"]:
        carrier.automation_allowed_by = ""
    carrier.version += 1
    carrier.save()
    changed = {
        name: [was, getattr(carrier, name)]
        for name, was in before.items()
        if getattr(carrier, name) != was
    }
    record("carrier.changed", carrier, by=by, changed=changed)
    publish("carrier.changed", about=carrier.public_id)
    return carrier


@transaction.atomic
def add_recipe(carrier: Carrier, *, content: dict[str, Any], by: Actor) -> CarrierRecipe:
    """Give a carrier the next version of its recipe.

    :raises BadRecipe: for steps that a browser cannot follow; every finding is named.
    """
    by.must("carriers.edit")
    recipe_from(content)
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    known = CarrierRecipe.objects.filter(carrier=carrier).aggregate(last=Max("version"))
    recipe: CarrierRecipe = CarrierRecipe.objects.create(
        carrier=carrier, version=(known["last"] or 0) + 1, content=content, added_by=by.ref
    )
    record("carrier.recipe_added", carrier, by=by, version=recipe.version)
    publish("carrier.changed", about=carrier.public_id)
    return recipe


@transaction.atomic
def add_login(
    carrier: Carrier,
    *,
    user_name: str,
    password: str,
    owner: User,
    by: Actor,
    expires_on: date | None = None,
) -> CarrierLogin:
    """Keep the firm's user and password at a carrier, encrypted for this very row.

    :raises NotAMember: when the owner holds no role in the firm.
    :raises HiddenCharacter: for a character that cannot be seen.
    """
    by.must("carriers.edit")
    refuse_hidden({"user": user_name})
    refuse_strangers(owner)
    login = CarrierLogin(carrier=carrier, owner=owner, expires_on=expires_on, origin=carrier.origin)
    login.user_name = lock_up(user_name, table=_TABLE, column="user_name", row=login.uid)
    login.password = lock_up(password, table=_TABLE, column="password", row=login.uid)
    login.save()
    record("carrier.login_added", carrier, by=by, login=login.public_id)
    publish("carrier.changed", about=carrier.public_id)
    return login


@transaction.atomic
def allow_automation(carrier: Carrier, *, by: Actor) -> Carrier:
    """Confirm that automated sign-in is allowed at this carrier, and start uploading there."""
    by.must("carriers.edit")
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    carrier.automation_allowed_by = by.ref
    carrier.stopped_reason = ""
    carrier.version += 1
    carrier.save(update_fields=["automation_allowed_by", "stopped_reason", "version"])
    record("carrier.automation_allowed", carrier, by=by)
    publish("carrier.changed", about=carrier.public_id)
    return carrier


@transaction.atomic
def refuse_login(carrier: Carrier, *, reason: str, by: Actor) -> None:
    """Write down that the carrier did not take its login, which is then never tried again."""
    login = CarrierLogin.objects.filter(carrier=carrier).latest("pk")
    carrier = stop_carrier(carrier, reason=reason, by=by)
    carrier.refused_login = login
    carrier.save(update_fields=["refused_login"])
    record("carrier.login_refused", carrier, by=by, login=login.public_id)


@transaction.atomic
def stop_carrier(carrier: Carrier, *, reason: str, by: Actor) -> Carrier:
    """Upload nothing to a carrier until a person says so; other carriers go on."""
    carrier = Carrier.objects.select_for_update().get(pk=carrier.pk)
    carrier.stopped_reason = reason[:300]
    carrier.version += 1
    carrier.save(update_fields=["stopped_reason", "version"])
    record("carrier.stopped", carrier, by=by, reason=reason[:300])
    publish("carrier.stopped", about=carrier.public_id)
    return carrier


def recipe_of(carrier: Carrier) -> tuple[CarrierRecipe, Recipe]:
    """Return a carrier's newest recipe. One query.

    :raises CarrierNotReady: when it has none.
    """
    row = CarrierRecipe.objects.filter(carrier=carrier).order_by("-version").first()
    if row is None:
        raise CarrierNotReady(f"{carrier} has no recipe.")
    return row, recipe_from(row.content)


def credentials_of(carrier: Carrier, *, on: date) -> Credentials:
    """Return the newest login in clear, for the browser and never for a page. Two queries.

    :raises CarrierNotReady: when there is none that may be used at this site today.
    """
    login = CarrierLogin.objects.filter(carrier=carrier).order_by("-pk").first()
    if login is None:
        raise CarrierNotReady(f"{carrier} has no login.")
    if login.expires_on is not None and login.expires_on < on:
        raise CarrierNotReady(f"The login of {carrier} expired on {login.expires_on}.")
    if login.origin != carrier.origin:
        raise CarrierNotReady(f"The login of {carrier} was given for {login.origin}.")
    if login.pk == carrier.refused_login_id:
        raise CarrierNotReady(f"{carrier} refused this login. Give it a new one.")
    return Credentials(
        open_up(login.user_name, table=_TABLE, column="user_name", row=login.uid),
        open_up(login.password, table=_TABLE, column="password", row=login.uid),
    )


def require_on(carrier: Carrier) -> None:
    """Pass when uploads may go to a carrier now.

    :raises CarrierNotReady: when it is stopped, or nobody has allowed automation.
    """
    if carrier.stopped_reason:
        raise CarrierNotReady(f"{carrier} is stopped: {carrier.stopped_reason}")
    if not carrier.automation_allowed_by:
        raise CarrierNotReady(f"Nobody has allowed automated sign-in at {carrier}.")


def _checked_profile(code: str, profile: dict[str, Any] | None) -> dict[str, Any]:
    profile_of(code, profile)
    return profile or {}


def _site(origin: str) -> str:
    try:
        return checked_origin(origin)
    except ValueError as error:
        raise BadSite(f"{error} Write it as https://host, without a path.") from error
