"""The room in the back office; Django's admin looks here, so its modules are named."""

from invoices.admin import bills, carriers

__all__ = ["bills", "carriers"]
