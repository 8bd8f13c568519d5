"""The books: what is owed, what was paid, and why the two agree.

Knows nobody above it. Invoices post here; dunning reads here.
"""
