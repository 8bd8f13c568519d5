"""Payments and bank files over REST."""
