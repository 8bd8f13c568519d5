"""Many rows by one statement: in order, with defaults, and never for another firm."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from billing_portal.outbox.events import publish_many
from billing_portal.outbox.models import OutboxCounter, OutboxEvent
from billing_portal.tenancy.inserting import insert_many, plain_array
from customers.models import Matter
from tests.customers.factories import CustomerFactory


def test_rows_come_in_the_given_order_with_defaults_and_ids_of_their_own(tenant):
    customer = CustomerFactory.create()
    names = ["Third", "First", "Second"]
    keys = [name.lower() for name in names]
    found = insert_many(
        Matter,
        {"name": names, "external_id": keys, "external_key": keys, "name_key": keys},
        customer_id=customer.pk,
        opened_on=date(2026, 1, 1),
        returning=("id", "uid", "name"),
    )

    assert [name for _, _, name in found] == names
    assert len({uid for _, uid, _ in found}) == 3
    assert [row.state for row in Matter.objects.order_by("pk")] == ["OPEN"] * 3


def test_rows_name_nothing_of_another_firm(tenant, neighbor):
    with neighbor:
        theirs = CustomerFactory.create()
    refused = pytest.raises(DatabaseError, match="same_tenant")
    with refused, transaction.atomic():
        insert_many(
            Matter,
            {"name": ["A"], "external_id": ["a"], "external_key": ["a"], "name_key": ["a"]},
            customer_id=theirs.pk,
            opened_on=date(2026, 1, 1),
        )
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")
    assert not Matter.objects.exists()


def test_an_array_is_read_as_it_was_meant(tenant):
    uid = UUID(int=7)
    with connection.cursor() as cursor:
        cursor.execute(
            "select %s::bigint[], %s::uuid[], %s::date[], %s::numeric[]",
            [
                plain_array([1, None, -2]),
                plain_array([uid, None]),
                plain_array([date(2026, 1, 2)]),
                plain_array([Decimal("0.19"), Decimal("0E-6")]),
            ],
        )
        found = cursor.fetchone()

    assert found == ([1, None, -2], [uid, None], [date(2026, 1, 2)], [Decimal("0.19"), 0])


def test_news_of_many_things_is_numbered_for_each(tenant, neighbor):
    publish_many("sample.made", [("smp_b", {"size": 1}), ("smp_a", {"size": 2})])
    publish_many("sample.changed", [("smp_a", {"size": 3})])
    with neighbor:
        publish_many("sample.made", [("smp_a", {})])

    assert list(OutboxEvent.objects.order_by("pk").values_list("kind", "body")) == [
        ("sample.made", {"seq": 1, "prev_seq": None, "about": "smp_b", "size": 1}),
        ("sample.made", {"seq": 1, "prev_seq": None, "about": "smp_a", "size": 2}),
        ("sample.changed", {"seq": 2, "prev_seq": 1, "about": "smp_a", "size": 3}),
    ]
    assert dict(OutboxCounter.objects.values_list("aggregate", "last_seq")) == {
        "smp_a": 2,
        "smp_b": 1,
    }
