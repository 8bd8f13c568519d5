"""The tables from work to bill."""

from invoices.models.charges import Charge

__all__ = ["Charge"]
