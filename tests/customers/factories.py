"""Factories of the room: an insurer, its matters, the people who work on them, and the terms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import factory

from customers.models import (
    AggregationSetting,
    BankDetails,
    Customer,
    Matter,
    PaymentMethod,
    Rate,
    Timekeeper,
)

INSURERS = (
    "Granite State Casualty",
    "Harborline Mutual",
    "Pioneer Plains Insurance",
    "Cascade Marine Underwriters",
)
CASES = (
    "Alvarez v. Harbor Freight Lines",
    "Okonkwo v. Bluestone Quarry",
    "Estate of Lindqvist v. Meridian Clinics",
    "Park v. Tidewater Stevedores",
)
PEOPLE = ("Alvarado, Inés", "Byrne, Declan", "Chaudhry, Samira", "Dubois, Élise")


def _key(name):
    return factory.LazyAttribute(lambda row: " ".join(getattr(row, name).split()).lower())


class CustomerFactory(factory.django.DjangoModelFactory):
    """An insurer that pays in dollars."""

    class Meta:
        model = Customer

    external_id = factory.Sequence(lambda n: f"INS-{n:04d}")
    external_key = _key("external_id")
    name = factory.Iterator(INSURERS)
    name_key = _key("name")
    currency = "USD"


class MatterFactory(factory.django.DjangoModelFactory):
    """A case that the insurer defends."""

    class Meta:
        model = Matter

    customer = factory.SubFactory(CustomerFactory)
    external_id = factory.Sequence(lambda n: f"2026-{n:05d}")
    external_key = _key("external_id")
    client_matter_id = factory.Sequence(lambda n: f"CLM{n:07d}")
    name = factory.Iterator(CASES)
    name_key = _key("name")
    opened_on = date(2026, 1, 5)


class TimekeeperFactory(factory.django.DjangoModelFactory):
    """An associate."""

    class Meta:
        model = Timekeeper

    external_id = factory.Sequence(lambda n: f"TK{n:03d}")
    external_key = _key("external_id")
    name = factory.Iterator(PEOPLE)
    name_key = _key("name")
    classification = "ASSOC"
    level = "Associate"


class RateFactory(factory.django.DjangoModelFactory):
    """The firm's approved rate for anybody."""

    class Meta:
        model = Rate

    starts_on = date(2026, 1, 1)
    amount = Decimal(200)
    amount_currency = "USD"
    state = Rate.State.APPROVED
    proposed_by = "user:1"
    decided_by = "user:2"


class TermsFactory(factory.django.DjangoModelFactory):
    """One collective invoice a month."""

    class Meta:
        model = AggregationSetting

    customer = factory.SubFactory(CustomerFactory)
    starts_on = date(2026, 1, 1)
    cadence = "MONTHLY"
    time_zone = "America/New_York"
    minimum = Decimal(0)
    minimum_currency = "USD"
    formats = ["pdf", "ledes1998b"]


class PaymentMethodFactory(factory.django.DjangoModelFactory):
    """A transfer on the collective invoice."""

    class Meta:
        model = PaymentMethod

    customer = factory.SubFactory(CustomerFactory)
    kind = "BANK_TRANSFER"
    label = "Transfer to the trust account"


class BankDetailsFactory(factory.django.DjangoModelFactory):
    """Details that wait for a second person."""

    class Meta:
        model = BankDetails

    payment_method = factory.SubFactory(PaymentMethodFactory)
    holder = "Granite State Casualty"
    sealed_account = "v1.1.sealed"
    account_ending = "6789"
    proposed_by = "user:1"
