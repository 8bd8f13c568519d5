"""Tags that every template may load."""
