"""Who pays, and on which terms: customers, matters, timekeepers, rates, aggregation.

Knows the ledger below, for what a customer owes.
"""
