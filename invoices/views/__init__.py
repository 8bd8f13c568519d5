"""Pages of work and bills."""
