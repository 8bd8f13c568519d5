"""What every REST endpoint shares: keys, problems, pages, idempotency, versions, the schema."""
