"""Getting paid: what may be done, each in one transaction."""
