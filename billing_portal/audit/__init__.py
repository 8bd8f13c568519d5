"""Who did what: append-only events, and the sealer that numbers, hashes and anchors them."""
