"""What a file or a page may know of an invoice, frozen, and the texts made fit to travel.

Knows no tables and no Django: a renderer takes a snapshot and gives bytes.
"""
