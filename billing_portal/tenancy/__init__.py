"""Whose data is it: firms, the scope of one firm, actors and what they may do.

Every table of a room stands on ``TenantModel``; nothing of it can be read or written outside
``tenant_scope``, and row-level security in the database says the same once more.
"""
