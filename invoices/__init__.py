"""From work to bill: charges, runs, drafts, review, final invoices, files, uploads.

Knows customers and the ledger below.
"""
