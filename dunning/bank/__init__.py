"""Bank files and what their payments are for: readers and remittance matching.

Pure: bytes and facts in, values out. Knows no tables.
"""
