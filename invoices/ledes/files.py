"""The LEDES files that can be made, by the names that terms and documents give them."""

from __future__ import annotations

from collections.abc import Callable

from invoices.documents.snapshot import InvoiceSnapshot
from invoices.ledes import ledes98bi, ledes1998b
from invoices.ledes.fields import FORM_98BI, FORM_1998B, Form
from invoices.ledes.fitting import FittedSnapshot, fit_for
from invoices.ledes.profile import Profile

FORMS: dict[str, tuple[Form, Callable[[InvoiceSnapshot, Profile], bytes]]] = {
    "ledes1998b": (FORM_1998B, ledes1998b.render),
    "ledes98bi": (FORM_98BI, ledes98bi.render),
}


def write(kind: str, snapshot: InvoiceSnapshot, profile: Profile) -> tuple[FittedSnapshot, bytes]:
    """Return the snapshot as it fits a form, with what was changed for it, and the file's bytes.

    :raises NotRepresentable, NotLedes: when the form cannot say the invoice.
    """
    form, writer = FORMS[kind]
    fitted = fit_for(snapshot, form, profile)
    return fitted, writer(fitted.snapshot, profile)
