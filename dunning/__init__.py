"""Getting paid: bank files, matching, reminders. Nobody reads this room.

Knows invoices, customers and the ledger below.
"""
