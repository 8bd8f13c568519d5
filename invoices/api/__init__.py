"""The room over REST: charges, runs, invoices; what is written is written by actions."""
