"""The firm's own ladder, in the back office: it climbs, and takes the place of the house's."""

import pytest
from django.test import Client

from billing_portal.errors import Stale
from billing_portal.tenancy.actors import MissingPermission
from dunning.actions.ladder import BadLadder, add_step, change_step
from dunning.models import ReminderStep
from dunning.queries.reminders import ladder
from dunning.schedule import LADDER
from tests.factories import TenantFactory, actor
from tests.invoices.books import SYSTEM
from tests.visiting import Visitor, office_key, text_of


def days():
    return [(step.level, step.days_after_due) for step in ladder()]


def test_the_first_own_step_takes_the_place_of_the_houses(tenant):
    assert ladder() == LADDER
    add_step(level=1, days_after_due=5, by=SYSTEM)
    second = add_step(level=2, days_after_due=20, by=SYSTEM)
    assert days() == [(1, 5), (2, 20)]
    change_step(second, days_after_due=20, is_active=False, version_seen=1, by=SYSTEM)
    assert days() == [(1, 5)]


@pytest.mark.parametrize(
    ("level", "after"), [(1, 9), (2, 5), (2, 4), (0, 30), (10, 30), (2, 366), (2, 0)]
)
def test_a_ladder_that_does_not_climb_is_refused_and_stays(tenant, level, after):
    add_step(level=1, days_after_due=5, by=SYSTEM)
    with pytest.raises(BadLadder):
        add_step(level=level, days_after_due=after, by=SYSTEM)
    assert days() == [(1, 5)]


def test_a_step_that_changed_meanwhile_is_not_changed(tenant):
    step = add_step(level=1, days_after_due=5, by=SYSTEM)
    change_step(step, days_after_due=6, is_active=True, version_seen=1, by=SYSTEM)
    with pytest.raises(Stale):
        change_step(step, days_after_due=7, is_active=True, version_seen=1, by=SYSTEM)
    with pytest.raises(MissingPermission):
        add_step(level=2, days_after_due=9, by=actor("auditor"))


def test_the_back_office_adds_and_changes_steps(client, tenant):
    biller, office = Visitor(client, tenant, "biller"), "admin/dunning/reminderstep/"
    biller.post(f"{office}add/", {"level": "1", "days_after_due": "5", "is_active": "on"})
    bad = biller.post(f"{office}add/", {"level": "2", "days_after_due": "5", "is_active": "on"})
    assert "comes later than the one below it" in text_of(bad)
    step = ReminderStep.objects.get()
    own = f"{office}{office_key(step)}/change/"
    biller.post(own, {"days_after_due": "8", "is_active": "on", "version": "1"})
    assert days() == [(1, 8)]
    stranger = Visitor(Client(), TenantFactory.create())
    assert stranger.get(own).status_code == 404
