"""Foundations and roof: what every room stands on, and what every page and endpoint shares.

Knows no room. The rooms are ledger, customers, invoices and dunning, each standing on those before.
"""
