"""The room's pages: each finds, does one thing through an action, and shows."""
