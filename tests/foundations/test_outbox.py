"""News is numbered without gaps for each thing it is about."""

import pytest
from django.db import transaction

from billing_portal.outbox.events import publish
from billing_portal.outbox.models import OutboxEvent


def test_events_about_one_thing_are_numbered_from_one(tenant):
    for _ in range(3):
        publish("invoice.changed", about="inv_a")
    publish("invoice.changed", about="inv_b")

    numbers = OutboxEvent.objects.order_by("aggregate", "seq").values_list("aggregate", "seq")
    assert list(numbers) == [("inv_a", 1), ("inv_a", 2), ("inv_a", 3), ("inv_b", 1)]


def test_each_event_names_the_one_before(tenant):
    publish("invoice.changed", about="inv_a", version=1)
    event = publish("invoice.changed", about="inv_a", version=2)

    assert event.body == {"seq": 2, "prev_seq": 1, "about": "inv_a", "version": 2}


def test_a_rollback_gives_the_number_back(tenant):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish("invoice.changed", about="inv_a")
        _ = 1 / 0

    assert publish("invoice.changed", about="inv_a").seq == 1


def test_another_firm_counts_for_itself(tenant, neighbor):
    publish("invoice.changed", about="inv_a")
    with neighbor:
        event = publish("invoice.changed", about="inv_a")

    assert event.seq == 1
