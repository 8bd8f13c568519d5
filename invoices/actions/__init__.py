"""From work to bill: what may be done, each in one transaction."""
