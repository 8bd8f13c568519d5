"""LEDES: read, write, check and prove the files that claims departments take.

Knows the frozen snapshot of an invoice and nothing else of the house.
"""
