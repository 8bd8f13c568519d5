"""Work for later: one verb for two engines; Job and Slot rows are the record and the gatekeeper."""
