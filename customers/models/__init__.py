"""The tables of the room: people, and the terms agreed with them."""

from customers.models.payment_methods import BankDetails, PaymentMethod
from customers.models.people import Address, Contact, Customer, TaxIdentity, lookup_key
from customers.models.rates import Rate
from customers.models.terms import (
    CADENCES,
    CLASSIFICATIONS,
    FORMATS,
    AggregationSetting,
    Matter,
    Timekeeper,
)

__all__ = [
    "CADENCES",
    "CLASSIFICATIONS",
    "FORMATS",
    "Address",
    "AggregationSetting",
    "BankDetails",
    "Contact",
    "Customer",
    "Matter",
    "PaymentMethod",
    "Rate",
    "TaxIdentity",
    "Timekeeper",
    "lookup_key",
]
