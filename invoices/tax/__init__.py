"""Which tax applies and how it rounds: from facts, rows and a policy; no clock, no database."""
