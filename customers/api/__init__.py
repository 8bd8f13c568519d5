"""The room over REST: read its nouns, and take over what the firm's own system says."""
