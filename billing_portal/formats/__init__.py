"""Formats of our own, by language (FORMAT_MODULE_PATH)."""
