"""How a file without a byte-order mark was encoded, and how to decode it."""
