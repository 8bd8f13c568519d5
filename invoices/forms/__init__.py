"""Typed text into values; no rules of the trade."""
