"""Who may: users, memberships, invitations, API keys, and the middleware that knows them.

Stands on tenancy, audit and jobs; rooms see people only as an Actor.
"""
