"""Sign-in by a firm's own directory (OpenID Connect or SAML): whose word counts for whom.

Stands on members; a session that a directory began opens that directory's firm and nothing else.
"""
