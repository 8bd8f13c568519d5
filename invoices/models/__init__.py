"""The tables from work to bill."""

from invoices.models.carriers import Carrier, CarrierLogin, CarrierRecipe, Evidence, Submission
from invoices.models.charges import Charge
from invoices.models.comments import Comment
from invoices.models.documents import Delivery, Document, FrozenInvoice
from invoices.models.invoices import (
    EDITABLE,
    Invoice,
    InvoiceLine,
    LineEdit,
    NumberSeries,
    Verdict,
)
from invoices.models.runs import BillingRun, BillingWindow, RunItem

__all__ = [
    "EDITABLE",
    "BillingRun",
    "BillingWindow",
    "Carrier",
    "CarrierLogin",
    "CarrierRecipe",
    "Charge",
    "Comment",
    "Delivery",
    "Document",
    "Evidence",
    "FrozenInvoice",
    "Invoice",
    "InvoiceLine",
    "LineEdit",
    "NumberSeries",
    "RunItem",
    "Submission",
    "Verdict",
]
